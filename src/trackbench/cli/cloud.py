"""``trackbench cloud serve``: a local cloud in the foreground, to point one's own clients at."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import Annotated

import typer

from trackbench.cli.show import console, say, stages

app = typer.Typer(help="The local cloud: object store, Earthdata Login and CMR on loopback.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `serve` a command of its own while there is only one."""


@app.command()
def serve(
    *,
    case: Annotated[str, typer.Option(help="Serve the granules of this case.")] = "demo",
    granules: Annotated[
        list[Path] | None, typer.Option(help="Serve these files and folders instead. May be repeated.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Network profile.")] = "loopback",
) -> None:
    """Serve granules on loopback until interrupted, and print how to point clients at them."""
    from trackbench.bench.cases import load_case, materialise, sidecars  # noqa: PLC0415 - slow to import
    from trackbench.bench.paths import cache_folder  # noqa: PLC0415
    from trackbench.cli.lists import known_profile  # noqa: PLC0415
    from trackbench.cli.places import local_files  # noqa: PLC0415
    from trackbench.localcloud import PROFILES, CloudConfig, LocalCloud, describe  # noqa: PLC0415

    cache = cache_folder()
    chosen = PROFILES[known_profile(profile)]
    with stages() as bars:
        if granules:
            files = local_files(granules)
        else:
            workload = load_case(case, cache_dir=cache)
            files = materialise(workload, cache, bars.stage(f"granules of {case}"))
            files = (*files, *sidecars(workload, files, cache, bars.stage(f"DMR++ of {case}")))
        bars.stage("local cloud")
        cloud = LocalCloud.start(CloudConfig(files, chosen, cache_dir=cache / "localcloud"))
    with cloud:
        console().print(describe(cloud.endpoints), markup=False, soft_wrap=True)
        granules_served = sum(path.suffix == ".h5" for path in files)
        say(f"Serving {granules_served} granules through {chosen.name}. Ctrl-C ends it.")
        try:
            while True:
                cloud.check()
                time.sleep(1)
        except KeyboardInterrupt:
            say("Ended.")
