"""A local cloud put together: roles behind listeners, and what clients must be told."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trackbench.localcloud.admin import open_admin
from trackbench.localcloud.catalogue import catalogue_collections, catalogue_granules
from trackbench.localcloud.cdn import ContentDelivery
from trackbench.localcloud.certificates import make_certificates
from trackbench.localcloud.cmr import MetadataRepository
from trackbench.localcloud.credentials import USER, Credentials
from trackbench.localcloud.data_host import DataHost
from trackbench.localcloud.earthdata_login import EarthdataLogin
from trackbench.localcloud.instance_metadata import FailClosedProxy
from trackbench.localcloud.listener import Listener, Workings
from trackbench.localcloud.network import NetworkModel
from trackbench.localcloud.object_store import ObjectStore
from trackbench.localcloud.objects import ARTIFACTS, FolderTable, ObjectTable
from trackbench.localcloud.running import Running
from trackbench.session import Endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from trackbench.localcloud.config import CloudConfig
    from trackbench.localcloud.learning import Learned

# Login, data host and delivery network need hosts of their own: a client that is redirected within one host keeps
# its Authorization field, which the delivery network refuses.
LOGIN_HOST: Final = "localhost"
DATA_HOST: Final = "127.0.0.1"
DELIVERY_HOST: Final = "127.0.0.2"
STORE_HOST: Final = "127.0.0.3"


async def run(config: CloudConfig, learned: Sequence[Learned], folder: Path) -> Running:
    """Start to listen; the certificate to trust goes to `folder`.

    Raises
    ------
    InputError
        If two files have the same name.
    """
    workings = Workings.assemble(NetworkModel(config.profile, config.seed), config.seed)
    credentials = Credentials(config.credentials_ttl)
    objects = ObjectTable((known.path, f'"{known.md5}"') for known in learned)
    authority_file = folder / "authority.pem"
    context = make_certificates((LOGIN_HOST, DATA_HOST, DELIVERY_HOST, STORE_HOST), authority_file)

    store = ObjectStore(objects, credentials, None if config.artifacts is None else FolderTable(config.artifacts))
    delivery = ContentDelivery(objects, credentials)
    store_port = await Listener(workings, lambda _: store).listen(STORE_HOST, context if config.s3_tls else None)
    delivery_port = await Listener(workings, lambda _: delivery).listen(DELIVERY_HOST, context)

    # Login and data host need each other's addresses, so their listener is there before they are.
    front: dict[str, EarthdataLogin | DataHost] = {}
    front_port = await Listener(
        workings, lambda request: front.get(request.host.partition(":")[0], front[DATA_HOST])
    ).listen(DATA_HOST, context)
    login_address, data_address = f"https://{LOGIN_HOST}:{front_port}", f"https://{DATA_HOST}:{front_port}"
    front[LOGIN_HOST] = EarthdataLogin(credentials, login_address, data_address)
    front[DATA_HOST] = DataHost(
        objects, credentials, data_address, login_address, f"https://{DELIVERY_HOST}:{delivery_port}"
    )

    granules = catalogue_granules(learned, data_address)
    repository = MetadataRepository(granules, catalogue_collections(granules, data_address))
    repository_port = await Listener(workings, lambda _: repository).listen(DATA_HOST)
    proxy = FailClosedProxy(lambda: workings.model.profile.in_region, workings.ledger.refused)
    proxy_port = await Listener(workings, lambda _: proxy, modelled=False).listen(DATA_HOST)

    scheme = "https" if config.s3_tls else "http"
    store_address = f"{scheme}://{STORE_HOST}:{store_port}"
    endpoints = Endpoints(
        cmr_url=f"http://{DATA_HOST}:{repository_port}/search/",
        edl_host=f"{LOGIN_HOST}:{front_port}",
        s3_credentials=f"{data_address}/s3credentials",
        s3_endpoint=store_address,
        stand_in=True,
        environment=_environment(
            authority_file, credentials.token, store_address, f"http://{DATA_HOST}:{proxy_port}"
        ),
        services={} if config.artifacts is None else {"artifacts": f"s3://{ARTIFACTS}"},
    )
    return Running(endpoints, await open_admin(workings), USER, credentials.password)


def _environment(authority_file: Path, token: str, store_address: str, proxy: str) -> Mapping[str, str]:
    trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
    direct = f"{LOGIN_HOST},{DATA_HOST},{DELIVERY_HOST},{STORE_HOST}"
    environment = dict.fromkeys(trust, str(authority_file))
    for name, value in (("HTTP_PROXY", proxy), ("HTTPS_PROXY", proxy), ("NO_PROXY", direct)):
        # Which spelling counts differs between clients.
        environment[name] = value
        environment[name.lower()] = value
    environment |= {
        "EARTHDATA_TOKEN": token,
        "AWS_ENDPOINT_URL": store_address,
        "AWS_EC2_METADATA_DISABLED": "true",  # else some clients look for keys where there are none
        "NETRC": os.devnull,  # else a password kept there would take the place of the token
    }
    if store_address.startswith("http:"):
        environment["AWS_ALLOW_HTTP"] = "true"
    return MappingProxyType(environment)
