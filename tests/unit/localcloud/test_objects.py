"""Objects: their keys, and how they are listed."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from trackbench.errors import InputError
from trackbench.localcloud.learning import learn
from trackbench.localcloud.object_store import list_objects
from trackbench.localcloud.objects import ObjectTable, StoredObject, object_key

if TYPE_CHECKING:
    from pathlib import Path

_NS = {"s3": "http://s3.amazonaws.com/doc/2006-03-01/"}
LISTING = [
    StoredObject(key, memoryview(b"12345"), '"tag"', 1_600_000_000.0)
    for key in ("a/1", "a/2", "a/b/3", "a/b/4", "c & d/5", "e")
]


def _list(**query: str) -> tuple[list[str], list[str], str | None]:
    root = ET.fromstring(list_objects(LISTING, {name.replace("_", "-"): value for name, value in query.items()}))
    keys = [found.text or "" for found in root.findall("s3:Contents/s3:Key", _NS)]
    folders = [found.text or "" for found in root.findall("s3:CommonPrefixes/s3:Prefix", _NS)]
    assert root.findtext("s3:KeyCount", namespaces=_NS) == str(len(keys) + len(folders))
    return keys, folders, root.findtext("s3:NextContinuationToken", namespaces=_NS)


def test_keys_are_laid_out_as_at_nsidc() -> None:
    """A granule lies below product, release and date, a file beside it too, any other below files/."""
    granule = "ATL06_20191206203649_10840505_006_01.h5"
    assert object_key(granule) == f"ATLAS/ATL06/006/2019/12/06/{granule}"
    assert object_key(f"{granule}.dmrpp") == f"ATLAS/ATL06/006/2019/12/06/{granule}.dmrpp"
    assert object_key("notes.txt") == "files/notes.txt"


def test_list_all_and_by_prefix() -> None:
    """All keys come in order, or those below a prefix."""
    assert _list() == (["a/1", "a/2", "a/b/3", "a/b/4", "c & d/5", "e"], [], None)
    assert _list(prefix="a/b") == (["a/b/3", "a/b/4"], [], None)
    assert _list(start_after="a/b/3")[0] == ["a/b/4", "c & d/5", "e"]
    assert _list(encoding_type="url", prefix="c")[0] == ["c%20%26%20d/5"]


def test_list_folders() -> None:
    """With a delimiter deeper keys are rolled up into folders."""
    assert _list(delimiter="/") == (["e"], ["a/", "c & d/"], None)
    assert _list(delimiter="/", prefix="a/") == (["a/1", "a/2"], ["a/b/"], None)


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_hold_everything_once(delimiter: str) -> None:
    """Page by page the same entries come as in one page."""
    query = {"delimiter": delimiter} if delimiter else {}
    whole = _list(**query)
    keys, folders, token = _list(max_keys="1", **query)
    while token is not None:
        more_keys, more_folders, token = _list(max_keys="1", continuation_token=token, **query)
        keys, folders = keys + more_keys, folders + more_folders
    assert (keys, folders) == whole[:2]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    """Two files cannot have one key."""
    paths = [tmp_path / folder / "x.bin" for folder in ("a", "b")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"Two files are named x\.bin"):
        ObjectTable((path, '"tag"') for path in paths)


def test_empty_files_can_be_served(tmp_path: Path) -> None:
    """A file without bytes is an object without bytes."""
    path = tmp_path / "empty.bin"
    path.touch()
    stored = ObjectTable([(path, '"tag"')]).get("files/empty.bin")
    assert stored is not None
    assert stored.size == 0


def test_the_cache_knows_a_file_until_it_changes(tmp_path: Path) -> None:
    """The checksum is kept, and found anew once the file is another."""
    path, cache = tmp_path / "x.bin", tmp_path / "cache"
    path.write_bytes(b"one")
    first = learn([path], cache)
    (kept,) = cache.iterdir()
    kept.write_text(kept.read_text().replace(first[0].md5, "f" * 32))
    assert learn([path], cache)[0].md5 == "f" * 32
    path.write_bytes(b"three")
    assert learn([path], cache)[0].md5 == hashlib.md5(b"three").hexdigest()


def test_missing_files_are_named(tmp_path: Path) -> None:
    """A file that is not there is named in the error."""
    with pytest.raises(InputError, match=r"missing\.h5 does not exist"):
        learn([tmp_path / "missing.h5"], None)
