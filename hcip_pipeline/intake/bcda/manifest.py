"""An export's manifest: the response to the job's status request once the job is complete. Pure.

Belongs here: reading it. Does not belong here: the files that it names (``exports``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import parse_qs, urlsplit

from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.bcda.names import ExportName

#: A manifest names a dozen files or so.
MAX_BYTES = 4_000_000
_FIX = "save the response to the job's status request, unchanged, as manifest.json"
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?")
_VERSION = re.compile(r"/(v[0-9]+)/")


@dataclass(frozen=True)
class Output:
    """One file as the manifest names it; ``count`` is its number of resources, if given."""

    resource: str
    file: str
    count: int | None


@dataclass(frozen=True)
class Manifest:
    """A parsed manifest.

    Attributes:
        version: of the API, ``v3``; empty if the manifest does not give it.
        errors: files with the job's errors.
    """

    file: str
    name: ExportName
    version: str
    outputs: tuple[Output, ...]
    errors: tuple[str, ...]


def parse_manifest(content: bytes, file: str) -> Manifest:
    """Read a manifest.

    Args:
        content: the whole file.
        file: its name, for messages.

    Raises:
        HcipError: ``BCDA-MANIFEST`` or ``BCDA-BUNDLE``.
    """
    try:
        answer = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _unreadable("it is not JSON", file) from error
    if isinstance(answer, dict) and answer.get("resourceType") == "Bundle":
        raise bundle(file)
    if not isinstance(answer, dict) or not isinstance(answer.get("output"), list):
        raise _unreadable("it has no list of output files", file)
    when = _MOMENT.match(str(answer.get("transactionTime")))
    try:
        moment = dt.datetime.fromisoformat(f"{when[1]}T{when[2]}") if when else None
    except ValueError:
        moment = None
    if when is None or moment is None:
        raise _unreadable("transactionTime is not a date and time", file)
    request = urlsplit(str(answer.get("request") or ""))
    version = _VERSION.search(request.path)
    name = ExportName(
        is_test="sandbox" in (request.hostname or ""),
        is_since="_since" in parse_qs(request.query),
        file_date=moment.date(),
        file_time=f"{moment:%H%M%S}{(when[3] or '.0')[1]}",
    )
    errors = answer.get("error") or []
    if not isinstance(errors, list):
        raise _unreadable("error is not a list", file)
    return Manifest(
        file, name, version[1] if version else "",
        tuple(_output(entry, file) for entry in answer["output"]),
        tuple(_output(entry, file).file for entry in errors),
    )  # fmt: skip


def bundle(file: str) -> HcipError:
    """The refusal of a Bundle, the response of FHIR servers to a search."""
    return HcipError(
        "the file is a Bundle, one JSON document, not one resource per line",
        fix="use the files of a bulk export ($export), which are ndjson",
        file=file, rule="BCDA-BUNDLE",
    )  # fmt: skip


def _output(entry: object, file: str) -> Output:
    if not isinstance(entry, dict) or not isinstance(entry.get("type"), str) or not isinstance(entry.get("url"), str):
        raise _unreadable("a file in it has no type or url", file)
    count = entry.get("count")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        raise _unreadable("a count in it is not a whole number", file)
    return Output(entry["type"], PurePosixPath(urlsplit(entry["url"]).path).name, count)


def _unreadable(why: str, file: str) -> HcipError:
    return HcipError(f"the manifest cannot be read: {why}", fix=_FIX, file=file, rule="BCDA-MANIFEST")
