"""Posts one alert to an address, in a separate process that `alerts` can end.

Run as ``python -m hcip_pipeline.alerting.webhook SECONDS``. Standard input has the address on the first line and the
alert after it, so that a secret address does not appear in the list of processes. A redirect counts as a failure,
because it would send the alert to an address that no one named. The response is not read.

Belongs here: the request. Does not belong here: which addresses are allowed (``settings``), or attempts (``alerts``).
"""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request

from hcip_pipeline.one_address import opener


def post(address: str, content: bytes, seconds: float) -> str:
    """Post the content. Returns what went wrong, without the address, or an empty string."""
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "hcip"}
    request = urllib.request.Request(address, content, headers)
    try:
        with opener().open(request, timeout=seconds) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except http.client.HTTPException as error:
        return f"the response is not valid HTTP ({type(error).__name__})"
    except urllib.error.URLError as error:
        reason = error.reason
        return f"it cannot be reached ({reason.strerror if isinstance(reason, OSError) else type(reason).__name__})"
    except OSError as error:
        return f"it cannot be reached ({error.strerror or type(error).__name__})"
    return "" if 200 <= status < 300 else f"it answered with status {status}"


if __name__ == "__main__":
    address, _, content = sys.stdin.buffer.read().partition(b"\n")
    problem = post(address.decode(), content, float(sys.argv[1]))
    print(problem)
    sys.exit(bool(problem))
