"""Texas's files in a folder and their quarters, recognized by the names that the publisher and people give them.

Belongs here: finding the files of every quarter. Does not belong here: opening them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import Quarter

#: Table -> pattern in the name of its file. A study does not need base 2.
TABLES = {"base1": r"base[ _-]*1", "base2": r"base[ _-]*2", "charges": r"charges?", "facility": r"facility"}
NEEDED = ("base1", "charges", "facility")

_QUARTER = re.compile(
    r"(?<![0-9])(?:(?P<n1>[1-4])q(?:tr)?[ _-]*(?P<y1>(?:19|20)[0-9]{2})"
    r"|q(?:tr)?(?P<n2>[1-4])[ _-]*(?P<y2>(?:19|20)[0-9]{2})"
    r"|(?P<y3>(?:19|20)[0-9]{2})[ _-]*q(?:tr)?(?P<n3>[1-4]))(?![0-9])"
)
_ENDINGS = (".txt", ".csv", ".tab", ".tsv", ".dat", "")


def find_files(folder: Path, quarters: Sequence[Quarter]) -> dict[Quarter, dict[str, Path]]:
    """The files of every requested quarter, by table (``TABLES``); others are ignored.

    The quarter is in the name of the file or of a folder above it: ``base1_1q2019.txt``, ``2019Q1/base1.txt``.

    Raises:
        HcipError: TEXAS-FOLDER, TEXAS-FILE-MISSING or TEXAS-FILE-TWICE.
    """
    if not folder.is_dir():
        raise HcipError(
            "is not a folder", file=folder, rule="TEXAS-FOLDER", fix="give the folder with the unpacked files"
        )
    found: dict[Quarter, dict[str, Path]] = {quarter: {} for quarter in quarters}
    some = False
    for path in sorted(folder.rglob("*")):
        table = _table_of(path)
        if table is None or not path.is_file():
            continue
        some = True
        quarter = _quarter_of(path.relative_to(folder))
        if quarter not in found:
            continue
        earlier = found[quarter].setdefault(table, path)
        if earlier != path:
            raise HcipError(
                f"is a second {table} file of {quarter}; the first is {earlier.name}",
                file=path,
                rule="TEXAS-FILE-TWICE",
                fix="leave one of them, fixed width or tab-delimited, in the folder",
            )
    if not some:
        packed = any(folder.rglob("*.zip"))
        raise HcipError(
            "has no file of the PUDF" + (", only archives" if packed else ""),
            file=folder,
            rule="TEXAS-FOLDER",
            fix="unpack the archives there" if packed else "name files such as base1_1q2019.txt, charges_1q2019.txt",
        )
    _require_needed(folder, found)
    return found


def _require_needed(folder: Path, found: Mapping[Quarter, Mapping[str, Path]]) -> None:
    missing = [f"{table} of {quarter}" for quarter, files in found.items() for table in NEEDED if table not in files]
    if missing:
        raise HcipError(
            f"lacks {', '.join(missing)}",
            file=folder,
            rule="TEXAS-FILE-MISSING",
            fix="put the files there, unpacked, with the quarter in their names (such as base1_1q2019.txt), or ask for "
            "other quarters with --from and --to",
        )


def _table_of(path: Path) -> str | None:
    name = path.name.lower()
    if name.startswith(".") or path.suffix.lower() not in _ENDINGS:
        return None
    return next((table for table, pattern in TABLES.items() if re.search(pattern, name)), None)


def _quarter_of(path: Path) -> Quarter | None:
    for part in reversed(path.parts):
        match = _QUARTER.search(part.lower())
        if match:
            year = match["y1"] or match["y2"] or match["y3"]
            return Quarter(int(year), int(match["n1"] or match["n2"] or match["n3"]))
    return None
