"""Requests that go only to the given address: a redirect counts as a failure, like any answer other than success.

Following it would send the content to an address that no one configured. Belongs here: that rule. Does not belong
here: which addresses may be configured (``alerting.settings``).
"""

from __future__ import annotations

import urllib.request
from typing import Any


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Do not follow the redirect."""


def opener() -> urllib.request.OpenerDirector:
    """An opener that follows no redirects; proxies come from the environment."""
    return urllib.request.build_opener(_NoRedirect)
