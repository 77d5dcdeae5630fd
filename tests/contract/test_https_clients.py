"""HTTP clients reach the data through the data host, its redirect and the signed address."""

from __future__ import annotations

import io
import urllib.parse
from typing import TYPE_CHECKING, Any

import fsspec
import h5py
import obstore
import pytest
import requests
from obstore.store import HTTPStore

if TYPE_CHECKING:
    import ssl

    from tests.support_localcloud import Store

    from trackbench.localcloud import LocalCloud


@pytest.fixture
def https(cloud: LocalCloud, local_store: Store) -> str:
    """Address of a granule at the data host."""
    host = cloud.endpoints.s3_credentials.removesuffix("/s3credentials")
    return f"{host}/{local_store.bucket}/{local_store.key}"


@pytest.fixture
def token(cloud: LocalCloud) -> dict[str, str]:
    """Give the header that shows the token."""
    return {"Authorization": f"Bearer {cloud.endpoints.environment['EARTHDATA_TOKEN']}"}


@pytest.fixture
def session(cloud: LocalCloud) -> requests.Session:
    """Give a session of requests that trusts the cloud."""
    session = requests.Session()
    session.verify = cloud.endpoints.environment["SSL_CERT_FILE"]
    session.trust_env = False
    return session


def _filesystem(trust: ssl.SSLContext, token: dict[str, str]) -> Any:
    return fsspec.filesystem(
        "https", ssl=trust, client_kwargs={"headers": token, "trust_env": False}, skip_instance_cache=True
    )


def test_fsspec_reads_through_the_redirect(
    cloud: LocalCloud, https: str, trust: ssl.SSLContext, token: dict[str, str], local_store: Store
) -> None:
    """Each range costs a request to the data host and one to the delivery network."""
    files = _filesystem(trust, token)
    assert files.info(https)["size"] == len(local_store.content)
    cloud.reset_ledger()
    assert files.cat_ranges([https, https], [0, 500], [10, 600]) == [
        local_store.content[:10],
        local_store.content[500:600],
    ]
    by_role = cloud.ledger().by_role
    assert by_role["data-host"].requests == by_role["cdn"].requests == 2
    assert by_role["cdn"].bytes == 110
    with files.open(https, "rb", block_size=1 << 16) as file, h5py.File(file) as granule:
        mean = float(granule["gt1l/land_ice_segments/h_li"][:].mean())
    with h5py.File(io.BytesIO(local_store.content)) as granule:
        assert mean == float(granule["gt1l/land_ice_segments/h_li"][:].mean())


def test_obstore_reads_through_the_redirect(
    cloud: LocalCloud,
    https: str,
    token: dict[str, str],
    local_store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The HTTP store of obstore follows to the signed address and leaves the token behind."""
    monkeypatch.setenv("SSL_CERT_FILE", cloud.endpoints.environment["SSL_CERT_FILE"])
    host, _, path = https.removeprefix("https://").partition("/")
    remote = HTTPStore(f"https://{host}", client_options={"default_headers": token})
    assert obstore.head(remote, path)["size"] == len(local_store.content)
    assert bytes(obstore.get_range(remote, path, start=7, length=9)) == local_store.content[7:16]
    assert bytes(obstore.get(remote, path).bytes()) == local_store.content


def test_password_goes_by_way_of_the_login(
    cloud: LocalCloud, https: str, session: requests.Session, local_store: Store
) -> None:
    """Without a token the data host sends to the login, which sends back, and a cookie remembers it."""
    first = session.get(https, allow_redirects=False)
    assert first.status_code == 302
    login = first.headers["Location"]
    assert urllib.parse.urlsplit(login).hostname == "localhost"
    assert session.get(login).status_code == 401
    back = session.get(login, auth=(cloud.user, cloud.password), allow_redirects=False)
    final = session.get(back.headers["Location"], headers={"Range": "bytes=0-3"})
    assert [step.status_code for step in final.history] == [301, 303]
    assert final.content == local_store.content[:4]
    assert session.get(https, allow_redirects=False).status_code == 303


def test_signed_addresses_are_good_for_what_was_signed(
    https: str, session: requests.Session, token: dict[str, str], local_store: Store
) -> None:
    """A signed address opens one object to one method for a while, and nothing when it carries a token as well."""
    signed = session.get(https, headers=token, allow_redirects=False).headers["Location"]
    assert session.get(signed).content == local_store.content
    assert session.head(signed).status_code == 403
    assert session.get(signed.replace("_006_01.h5", "_007_01.h5")).status_code == 403
    assert session.get(signed.replace("Expires=", "Expires=1")).status_code == 403
    assert session.get(signed.replace("Signature=", "Signature=0")).status_code == 403
    refused = session.get(signed, headers=token)
    assert (refused.status_code, "Only one auth mechanism allowed" in refused.text) == (400, True)


def test_wrong_tokens_are_refused(cloud: LocalCloud, https: str, session: requests.Session) -> None:
    """A token that the login does not know opens neither data nor credentials."""
    wrong = {"Authorization": "Bearer wrong"}
    assert session.get(https, headers=wrong).status_code == 403
    assert session.get(cloud.endpoints.s3_credentials, headers=wrong).status_code == 403


def test_proxy_lets_nothing_out(cloud: LocalCloud, session: requests.Session) -> None:
    """A request for any other host, in the clear or through a tunnel, is refused and counted."""
    proxy = cloud.endpoints.environment["HTTP_PROXY"]
    session.proxies = {"http": proxy, "https": proxy}
    assert session.get("http://example.org/").status_code == 403
    with pytest.raises(requests.exceptions.ProxyError):
        session.get("https://example.org/")
    assert session.get("http://169.254.169.254/latest/meta-data/placement/region").status_code == 404
    assert cloud.ledger().refused == 2
