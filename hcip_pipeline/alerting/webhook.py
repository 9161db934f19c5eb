"""Posts one alert to an address, in a process of its own that `alerts` can end.

Run as ``python -m hcip_pipeline.alerting.webhook SECONDS``; the standard input holds the address on its first line
and the alert after it, so that an address which is a secret is in no list of processes. A redirect counts as a failure:
it would send the alert to an address that no one named. The answer is not read.

Belongs here: the request. Does not belong here: which addresses are allowed (``settings``), and tries (``alerts``).
"""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request

from hcip_pipeline.one_address import opener


def post(address: str, content: bytes, seconds: float) -> str:
    """Post it; returns what went wrong in words without the address, or an empty text."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hcip"}
    request = urllib.request.Request(address, content, headers)
    try:
        with opener().open(request, timeout=seconds) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except http.client.HTTPException as error:
        return f"it did not answer in HTTP ({type(error).__name__})"
    except urllib.error.URLError as error:
        reason = error.reason
        return f"it cannot be reached ({reason.strerror if isinstance(reason, OSError) else type(reason).__name__})"
    except OSError as error:
        return f"it cannot be reached ({error.strerror or type(error).__name__})"
    return "" if 200 <= status < 300 else f"it answered with status {status}"


if __name__ == "__main__":
    where, _, what = sys.stdin.buffer.read().partition(b"\n")
    problem = post(where.decode(), what, float(sys.argv[1]))
    print(problem)
    sys.exit(bool(problem))
