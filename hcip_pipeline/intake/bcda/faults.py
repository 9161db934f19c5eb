"""The fault in a piece of ndjson that DuckDB cannot read, found slowly, line by line.

Belongs here: the refusal of a line. Does not belong here: reading faultless files (``reader``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.bcda.exports import DataFile
from hcip_pipeline.intake.bcda.lines import cut, not_a_resource


class _TwiceError(ValueError):
    """A key occurs twice in an object."""


def fault_of(file: DataFile, piece: Path, *, is_last: bool) -> HcipError:
    """The refusal of the first line of a piece that cannot be read.

    Args:
        file: the file that the piece belongs to.
        piece: its lines, each with its number under ``_row``.
        is_last: whether the piece is the file's last.
    """
    name = file.path.name
    lines = piece.read_bytes().splitlines()
    for number, line in enumerate(lines):
        row = int(line[len(b'{"_row":') :].split(b",", 1)[0])
        try:
            resource = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
        except _TwiceError as error:
            return not_a_resource(name, row, f"the key {error} occurs twice in one object")
        except RecursionError:
            return not_a_resource(name, row, "it is nested deeper than any resource")
        except UnicodeDecodeError:
            return not_a_resource(name, row, "it is not UTF-8")
        except ValueError:
            if is_last and number == len(lines) - 1:
                return cut(name, row)
            return not_a_resource(name, row, "it is not JSON")
        if resource.get("resourceType") != file.resource:
            return other_resource(file, row, resource.get("resourceType"))
    return not_a_resource(name, _first_row(lines), "in it or a later line, an element has the wrong type")


def other_resource(file: DataFile, row: int, found: object) -> HcipError:
    """The refusal of a resource whose type is not its file's."""
    if found == "OperationOutcome":
        return HcipError(
            "the file contains the job's report of an error, not data",
            fix="start the job again, and put its files here once it reports no errors",
            file=file.path.name, row=row, rule="BCDA-JOB-ERRORS",
        )  # fmt: skip
    what = found if isinstance(found, str) and found.isalpha() else "no type"
    return HcipError(
        f"the line is a resource of another type ({what}) than its file ({file.resource})",
        fix="download the job's files again, and keep each under the name that the manifest gives it",
        file=file.path.name, row=row, rule="BCDA-RESOURCE",
    )  # fmt: skip


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _TwiceError(twice if twice.isidentifier() else "")
    return found


def _no_number(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _first_row(lines: list[bytes]) -> int:
    return int(lines[0][len(b'{"_row":') :].split(b",", 1)[0]) if lines else 1
