"""Requests to one address and no other: a redirect counts as a failure, like any answer other than success.

Following it would send the content to an address that no one named. Belongs here: that rule. Does not belong here:
which addresses may be named (``alerting.settings``).
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
