"""Which requests reach the Dagster UI, and which attempts of other sites and of people without the token do not."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

from hcip_pipeline.operations.ui_gate import Access, UiGate, own_origins

PORT = 3000
LOCAL = Access(own_origins(["127.0.0.1"], PORT), token="T" * 43, cookie="C" * 43)
BEHIND_PROXY = Access(own_origins(["127.0.0.1"], PORT, "https://hcip.example.org"), token="T" * 43, cookie="C" * 43)
COOKIE = f"hcip_ui_{PORT}={LOCAL.cookie}"
JSON = {"content-type": "application/json"}
OWN = {"origin": "http://127.0.0.1:3000"}


class _Application:
    """A stand-in for Dagster's application that counts the requests that reach it."""

    def __init__(self) -> None:
        self.reached = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"through"})


def _ask(
    target: str = "/",
    *,
    access: Access = LOCAL,
    method: str | None = "GET",
    host: str | None = "127.0.0.1:3000",
    cookie: str | None = COOKIE,
    more: list[tuple[str, str]] | None = None,
    **headers: str,
) -> tuple[int, dict[str, str], bool]:
    """Status, headers and whether Dagster's application was reached; ``method=None`` opens a WebSocket."""
    application, sent = _Application(), []
    address = urlsplit(target)
    given = [*headers.items(), *(more or ())]
    given += [("host", host)] if host is not None else []
    given += [("cookie", cookie)] if cookie is not None else []
    scope = {
        "type": "http" if method else "websocket",
        "scheme": "http" if method else "ws",
        "path": address.path,
        "query_string": address.query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given],
        "server": ("127.0.0.1", PORT),
    } | ({"method": method} if method else {})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    answer = UiGate(application, access)(scope, None, send)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as thread:  # another thread, because a browser's event loop may be running in this one
        thread.submit(asyncio.run, answer).result()
    if sent and sent[0]["type"] == "http.response.start":
        return sent[0]["status"], {k.decode(): v.decode() for k, v in sent[0]["headers"]}, bool(application.reached)
    return (200 if application.reached else 403), {}, bool(application.reached)


def test_requests_of_the_ui_itself_pass() -> None:
    assert _ask("/")[::2] == (200, True)
    assert _ask("/assets/release", sec_fetch_site="none")[::2] == (200, True)
    assert _ask("/graphql", method="POST", **JSON, **OWN, sec_fetch_site="same-origin")[::2] == (200, True)
    assert _ask("/graphql", method=None, **OWN)[::2] == (200, True)
    assert _ask("/", host="localhost:3000")[::2] == (200, True)
    assert _ask("/", host="LOCALHOST:3000")[::2] == (200, True)


@pytest.mark.parametrize("method", ["GET", "POST", None])
@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "evil.example:3000", "127.0.0.1", "127.0.0.1:3001", "127.0.0.1:3000.evil.example",
     "127.0.0.1:3000@evil.example", "localhost.:3000", "127.1:3000", " 127.0.0.1:3000"],
)  # fmt: skip
def test_another_host_is_refused(method: str | None, host: str | None) -> None:
    status, _, reached = _ask("/graphql", method=method, host=host, **JSON)
    assert (status in (403, 421), reached) == (True, False)


def test_two_hosts_are_refused() -> None:
    assert _ask("/", more=[("host", "evil.example")])[::2] == (421, False)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", None])
@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:3001", "https://127.0.0.1:3000",
     "http://127.0.0.1:3000.evil.example", "http://127.0.0.1:3000/", "file://"],
)  # fmt: skip
def test_a_page_of_another_site_is_refused(method: str | None, origin: str) -> None:
    assert _ask("/x", method=method, origin=origin, **JSON)[::2] == (403, False)


def test_a_second_origin_is_refused() -> None:
    assert _ask("/", **OWN, more=[("origin", "http://evil.example")])[::2] == (403, False)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_the_browser_marks_as_another_sites_is_refused(site: str) -> None:
    image = {"sec_fetch_site": site, "sec_fetch_mode": "no-cors", "sec_fetch_dest": "image"}
    frame = {"sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"}
    link = {"sec_fetch_site": site, "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
    assert _ask("/", **image)[::2] == (403, False)
    assert _ask("/", **frame)[::2] == (403, False)
    assert _ask("/", method="POST", **link, **JSON)[::2] == (403, False)
    assert _ask("/", method=None, **image)[::2] == (403, False)
    assert _ask("/", **link)[::2] == (200, True)


@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/x/graphql", "/GraphQL"])
def test_graphql_by_get_is_refused(path: str) -> None:
    for method in ("GET", "HEAD"):
        assert _ask(f"{path}?query=mutation{{}}", method=method)[::2] == (405, False)


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data",
     "text/plain; application/json", "text/plain, application/json", "application/jsonx"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/graphql", "/report_asset_materialization/release"])
def test_a_post_that_is_not_json_is_refused(path: str, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    assert _ask(path, method="POST", **headers)[::2] == (415, False)


def test_two_content_types_are_refused() -> None:
    assert _ask("/graphql", method="POST", **JSON, more=[("content-type", "text/plain")])[::2] == (415, False)


def test_json_with_a_charset_is_json() -> None:
    assert _ask("/graphql", method="POST", content_type="Application/JSON; charset=utf-8")[::2] == (200, True)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get"])
def test_other_methods_are_refused(method: str) -> None:
    assert _ask("/", method=method, **JSON)[::2] == (405, False)


@pytest.mark.parametrize(
    "cookie", [None, "", f"hcip_ui_{PORT}=", f"hcip_ui_{PORT}={LOCAL.token}", f"hcip_ui_3001={LOCAL.cookie}", "é=ü"]
)
def test_without_the_token_every_request_is_refused(cookie: str | None) -> None:
    for target, method in (("/", "GET"), ("/server_info", "GET"), ("/graphql", "POST"), ("/graphql", None)):
        status, _, reached = _ask(target, method=method, cookie=cookie, **JSON)
        assert (status in (401, 403), reached) == (True, False)


@pytest.mark.parametrize("token", ["", "T", "T" * 42, "T" * 44, LOCAL.cookie, "é"])
def test_a_wrong_token_is_refused(token: str) -> None:
    assert _ask(f"/?token={token}", cookie=None)[::2] == (401, False)
    assert _ask("/", cookie=None, authorization=f"Bearer {token}")[::2] == (401, False)


def test_the_printed_address_sets_a_cookie_and_the_token_leaves_the_address_bar() -> None:
    address = urlsplit(LOCAL.link)
    status, headers, reached = _ask(f"{address.path}?{address.query}", cookie=None)
    assert (status, reached, headers["location"]) == (303, False, "/")
    kept = headers["set-cookie"]
    assert kept.startswith(COOKIE + ";") and LOCAL.token not in kept
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in kept.split(";")}
    assert headers["cache-control"] == "no-store"


def test_a_login_link_keeps_its_page_and_never_redirects_to_another_site() -> None:
    token = f"token={LOCAL.token}"
    assert _ask(f"/assets/release?view=checks&{token}", cookie=None)[1]["location"] == "/assets/release?view=checks"
    for target in (f"//evil.example/x?{token}", f"/\\evil.example?{token}", f"///evil.example?{token}"):
        for cookie in (None, COOKIE):
            location = _ask("/" + target.lstrip("/") if "\\" in target else target, cookie=cookie)[1]["location"]
            assert location.startswith("/") and location[1:2] not in ("/", "\\")


def test_the_token_in_the_address_does_not_allow_a_post_or_a_websocket() -> None:
    assert _ask(f"/graphql?token={LOCAL.token}", method="POST", cookie=None, **JSON)[::2] == (401, False)
    assert _ask(f"/graphql?token={LOCAL.token}", method=None, cookie=None)[::2] == (403, False)


def test_programs_send_a_bearer_token() -> None:
    assert _ask("/graphql", method="POST", cookie=None, authorization=f"bearer {LOCAL.token}", **JSON)[2]
    assert not _ask("/graphql", method="POST", cookie=None, authorization=f"Basic {LOCAL.token}", **JSON)[2]


def test_responses_cannot_be_framed_or_embedded() -> None:
    for cookie in (COOKIE, None):
        headers = _ask("/", cookie=cookie)[1]
        assert headers["x-frame-options"] == "DENY" and headers["cross-origin-resource-policy"] == "same-origin"


def test_behind_a_proxy_its_public_address_is_accepted_too() -> None:
    def ask(**headers: Any) -> bool:
        return _ask("/graphql", access=BEHIND_PROXY, method="POST", cookie=cookie, **JSON, **headers)[2]

    cookie = f"{BEHIND_PROXY.cookie_name}={BEHIND_PROXY.cookie}"
    assert ask(host="hcip.example.org", origin="https://hcip.example.org")
    assert not ask(host="hcip.example.org", origin="http://hcip.example.org")
    assert not ask(host="hcip.example.org.", origin="https://hcip.example.org")
    link = urlsplit(BEHIND_PROXY.link)
    assert link.netloc == "hcip.example.org"
    answer = _ask(f"/?{link.query}", access=BEHIND_PROXY, host="hcip.example.org", cookie=None)
    assert "Secure" in answer[1]["set-cookie"]


def test_own_addresses_include_the_loopback_names() -> None:
    assert own_origins(["::1"], 80) == ("http://[::1]", "http://127.0.0.1", "http://localhost")
    assert own_origins(["box.example.org"], 3000) == ("http://box.example.org:3000",)


def test_every_start_has_a_new_token() -> None:
    first, second = Access(LOCAL.origins), Access(LOCAL.origins)
    assert len({first.token, first.cookie, second.token, second.cookie}) == 4
    assert first.token not in repr(first) and first.cookie not in repr(first)
