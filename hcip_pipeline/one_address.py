"""Requests to one address and no other: a redirect is an answer that is no success, as any other.

It would hand what is sent to somebody whom nobody named. Belongs here: that rule. Does not belong here: which addresses
may be named (``alerting.settings``).
"""

from __future__ import annotations

import urllib.request
from typing import Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def opener() -> urllib.request.OpenerDirector:
    """Opens addresses and follows no redirect; proxies are those of the environment."""
    return urllib.request.build_opener(_NoRedirect)
