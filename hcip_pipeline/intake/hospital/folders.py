"""Which submissions lie in an inbox, and which files each holds. Names only: no file is opened here.

Belongs here: folder names, versions, links that lead out of the inbox. Does not belong here: what the files hold.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.intake.hospital.rules import Problem
from hcip_pipeline.periods import Quarter

#: A CMS certification number.
CCN = re.compile(r"[0-9A-Z]{6}", re.ASCII)
_FOLDER = re.compile(rf"({CCN.pattern})(?:\.r([2-9]|[1-9][0-9]{{1,3}}))?", re.ASCII)
FORMATS = (".csv", ".csv.gz", ".parquet")
TABLES = ("discharges", "charges")
CONTROL_TOTALS = "control_totals.json"
KNOWN_NAMES = {f"{table}{ending}": table for table in TABLES for ending in FORMATS} | {CONTROL_TOTALS: ""}


def shown(name: str) -> str:
    """A file name as a message may show it: printable, short, harmless on a terminal and in a page."""
    return ascii(name)[1:-1][:80]


@dataclass(frozen=True)
class Submission:
    """One submission folder: a hospital, a quarter and a version.

    Attributes:
        root: the folder that links must not lead out of (the inbox).
        name_problem: set when the folder's name says neither hospital nor version.
    """

    folder: Path
    quarter: Quarter
    ccn: str
    version: int
    root: Path
    name_problem: Problem | None = None

    @property
    def id(self) -> str:
        """``<quarter>/<ccn>`` or ``<quarter>/<ccn>.r<n>``: the lake's ``submission`` column."""
        return f"{self.quarter}/{self.ccn}" + (f".r{self.version}" if self.version > 1 else "")

    @property
    def stem(self) -> str:
        """Name of its files in the lake."""
        if self.name_problem is not None:
            digest = hashlib.sha256(self.folder.name.encode("utf-8", "surrogateescape")).hexdigest()
            return f"unrecognized-{digest[:12]}"
        return f"{self.ccn}.r{self.version}"


def submission_at(folder: Path, quarter: Quarter, root: Path) -> Submission:
    """The submission a folder holds, by its name."""
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        problem = Problem("S-FOLDER-NAME", f"'{shown(folder.name)}' is neither a CCN nor a CCN with .r2, .r3, …")
        return Submission(folder, quarter, "", 0, root, problem)
    return Submission(folder, quarter, match[1], int(match[2] or 1), root)


def submissions(inbox: Path, quarter: Quarter) -> list[Submission]:
    """Every submission of a quarter, by hospital and version; what is none is among them, with its ``name_problem``."""
    place = inbox / "hospital" / str(quarter)
    if not place.is_dir():
        return []
    found = [submission_at(entry, quarter, inbox) for entry in place.iterdir() if not entry.name.startswith(".")]
    return sorted(found, key=lambda s: (s.ccn or "~", s.version, s.stem))


def leads_out(path: Path, root: Path) -> bool:
    """Whether a link takes ``path`` out of ``root`` (or nowhere at all)."""
    try:
        return not path.resolve(strict=True).is_relative_to(root.resolve(strict=True))
    except (OSError, RuntimeError):
        return True


@dataclass(frozen=True)
class Contents:
    """The files of a submission by table, the control totals, and what is wrong with the names.

    Attributes:
        entries: names of this submission's files, read or not: with more or fewer of them it is another submission.
    """

    tables: dict[str, Path]
    control_totals: Path | None
    problems: tuple[Problem, ...]
    entries: tuple[str, ...] = ()


def contents(submission: Submission, *, only: str = "", charges_needed: bool = True) -> Contents:
    """Which file is which.

    Args:
        only: look for this table alone (a check of a single file).
        charges_needed: False where costs are reported and no charge lines are needed (methodology §2).
    """
    problems: list[Problem] = []
    folder = submission.folder
    if leads_out(folder, submission.root):
        return Contents({}, None, (Problem("S-OUTSIDE-INBOX", "the folder is a link that leads out of the inbox"),))
    if not folder.is_dir():
        return Contents({}, None, (Problem("F-NOT-A-FILE", "the submission is no folder"),))
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return Contents({}, None, (Problem("F-NOT-A-FILE", "the folder cannot be opened"),))
    tables: dict[str, Path] = {}
    known = {CONTROL_TOTALS}
    for table in TABLES if not only else (only,):
        found = [f"{table}{ending}" for ending in FORMATS if f"{table}{ending}" in names]
        known.update(found)
        if len(found) > 1:
            problems.append(Problem("F-AMBIGUOUS", f"{table} is there {len(found)} times: {', '.join(found)}"))
        elif found and leads_out(folder / found[0], submission.root):
            problems.append(Problem("S-OUTSIDE-INBOX", "is a link that leads out of the inbox", found[0]))
        elif found:
            tables[table] = folder / found[0]
        elif table == "discharges" or charges_needed:
            problems.append(Problem("F-MISSING", f"there is no {table} file"))
    control = folder / CONTROL_TOTALS if CONTROL_TOTALS in names else None
    if control is not None and leads_out(control, submission.root):
        problems.append(Problem("S-OUTSIDE-INBOX", "is a link that leads out of the inbox", CONTROL_TOTALS))
        control = None
    unknown = [name for name in names if name not in known]
    if not only:
        problems += [Problem("S-FILE-UNKNOWN", f"'{shown(name)}' is unknown and ignored") for name in unknown[:20]]
    return Contents(tables, control, tuple(problems), tuple(name for name in names if name in KNOWN_NAMES))
