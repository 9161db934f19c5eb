"""Which requests reach the Dagster UI: the gate in front of Dagster's web application.

Dagster's webserver responds to anyone: it accepts mutations by GET, any ``Host``, and WebSockets from any page. A page
of another site that is open in an operator's browser could start a settlement. The gate lets a request through only if

- its ``Host`` is the UI's own, so that another site's name that resolves to this machine is refused;
- its ``Origin`` is absent or the UI's own, and the browser does not mark it as another site's;
- it reads (GET, HEAD), or it is a POST of JSON, which no form or image can send; GraphQL only by such a POST;
- it has the token of this start of the UI: once in the address, then as a cookie, or as a bearer token.

Belongs here: these rules, as ASGI middleware. Does not belong here: the application and its server (``webserver``).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: environment variable with the webserver's `Access` as JSON; only the account it runs under can read it
ACCESS_VARIABLE = "HCIP_UI_ACCESS"
TOKEN_PARAMETER = "token"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_READS = ("GET", "HEAD")
_PORTS = {"http": 80, "https": 443}
_POLICY_VIOLATION = 1008  # WebSocket close code
_HEADERS = {
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


@dataclass(frozen=True)
class Access:
    """Who has access to the UI.

    Args:
        origins: the UI's own addresses, each ``scheme://host[:port]`` as a browser writes it; the first is printed.
        token: the secret that a request must contain.
        cookie: the secret that the browser stores instead of the token.
    """

    origins: tuple[str, ...]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def hosts(self) -> frozenset[str]:
        """Values of ``Host`` that are the UI's own."""
        return frozenset(urlsplit(origin).netloc for origin in self.origins)

    @property
    def cookie_name(self) -> str:
        """A different name for each UI of a machine, because browsers share cookies between the ports of a host."""
        address = urlsplit(self.origins[0])
        return f"hcip_ui_{address.port or _PORTS[address.scheme]}"

    @property
    def link(self) -> str:
        """The address to open, with the token."""
        return f"{self.origins[0]}/?{urlencode({TOKEN_PARAMETER: self.token})}"


def own_origins(hosts: Iterable[str], port: int, public_url: str = "") -> tuple[str, ...]:
    """The addresses of a UI that listens on ``port``.

    Args:
        hosts: names and IP literals at which it is reached; any loopback name includes all of them.
        public_url: the address of the reverse proxy in front of it, if there is one; it comes first.
    """
    names: dict[str, None] = {}
    for host in hosts:
        literal = f"[{host}]" if ":" in host and not host.startswith("[") else host.lower()
        names[literal] = None
        if literal in _LOOPBACK:
            names |= dict.fromkeys(_LOOPBACK)
    suffix = "" if port == _PORTS["http"] else f":{port}"
    own = [f"http://{name}{suffix}" for name in names]
    if public_url:
        address = urlsplit(public_url)
        own.insert(0, f"{address.scheme}://{address.netloc.lower()}")
    return tuple(own)


class UiGate:
    """ASGI middleware that passes on the requests that `Access` allows and refuses all others."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request (ASGI)."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer = _refuse_address(connection, self._access) or _refuse_method(connection)
        answer = answer or self._check_token(connection)
        if answer is None:
            await self._app(scope, receive, _hardened(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})  # before accept: HTTP 403
        else:
            await answer(scope, receive, _hardened(send))

    def _check_token(self, connection: HTTPConnection) -> Response | None:
        access = self._access
        cookie = connection.cookies.get(access.cookie_name, "")
        if _same(cookie, access.cookie):
            # The address has a token that is no longer needed: keep it out of the browser's history and of copies.
            return _without_token(connection) if _is_link(connection) else None
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(bearer.strip(), access.token):
            return None
        if _is_link(connection) and _same(connection.query_params[TOKEN_PARAMETER], access.token):
            answer = _without_token(connection)
            secure = access.origins[0].startswith("https://")
            answer.set_cookie(access.cookie_name, access.cookie, httponly=True, samesite="strict", secure=secure)
            return answer
        return PlainTextResponse(
            "This UI requires a token: open the address that `hcip ui` printed when it started, "
            "or send the token as `Authorization: Bearer …`.\n",
            status_code=401,
            headers={"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"},
        )


def _refuse_address(connection: HTTPConnection, access: Access) -> Response | None:
    """Refuse requests to a name other than the UI's own, and requests from pages of other sites."""
    headers = connection.headers
    hosts = headers.getlist("host")
    if len(hosts) != 1 or hosts[0].lower() not in access.hosts:
        return _refusal(421, f"this UI responds only at {', '.join(sorted(access.hosts))}")
    origins = headers.getlist("origin")
    if any(origin.lower() not in access.origins for origin in origins):
        return _refusal(403, "a page of another site cannot use this UI")
    # Another port or subdomain of the same site also gets the cookie, but browsers mark where a request comes from.
    # Following a link to the UI is allowed, because it only reads.
    site = headers.get("sec-fetch-site", "none")
    follows_link = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    if site not in ("same-origin", "none") and not (follows_link and connection.scope.get("method") in _READS):
        return _refusal(403, "a page of another site cannot use this UI")
    return None


def _refuse_method(connection: HTTPConnection) -> Response | None:
    """Refuse requests that could change something without being a POST of JSON."""
    if connection.scope["type"] == "websocket":
        return None
    method = connection.scope["method"]
    if method in _READS:
        if _is_graphql(connection):
            return _refusal(405, "GraphQL requires POST", allow="POST")
        return None
    if method != "POST":
        return _refusal(405, "this UI accepts only GET, HEAD and POST", allow="GET, HEAD, POST")
    types = connection.headers.getlist("content-type")
    if len(types) != 1 or types[0].partition(";")[0].strip().lower() != "application/json":
        return _refusal(415, "the content of a POST must be JSON (Content-Type: application/json)")
    return None


def _is_graphql(connection: HTTPConnection) -> bool:
    path: str = connection.scope["path"]
    return path.rstrip("/").rpartition("/")[2].lower() == "graphql"


def _is_link(connection: HTTPConnection) -> bool:
    """Whether this is a GET of an address with a token."""
    return connection.scope.get("method") == "GET" and TOKEN_PARAMETER in connection.query_params


def _without_token(connection: HTTPConnection) -> Response:
    """The same page, without the token in its address."""
    kept = [(name, value) for name, value in connection.query_params.multi_items() if name != TOKEN_PARAMETER]
    # Only one slash: an address that begins with two would name another host.
    path = "/" + connection.url.path.lstrip("/\\")
    return RedirectResponse(
        f"{path}?{urlencode(kept)}" if kept else path, status_code=303, headers={"Cache-Control": "no-store"}
    )


def _refusal(status: int, reason: str, *, allow: str = "") -> Response:
    headers = {"Cache-Control": "no-store"} | ({"Allow": allow} if allow else {})
    return PlainTextResponse(f"refused: {reason}\n", status_code=status, headers=headers)


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(errors="surrogateescape"), expected.encode())


def _hardened(send: Send) -> Send:
    """Add headers so that no other page may frame, embed or open a handle to a response."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
        await send(message)

    return send_with_headers
