"""Which submissions are in an inbox, and which files each has, judging by names and the sheets of workbooks.

Belongs here: folder names, versions, links that lead out of the inbox. Does not belong here: table contents.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.files.received import WORKBOOK
from hcip_pipeline.intake.x12.file_names import GROUPING, is_bill_file
from hcip_pipeline.periods import Quarter
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import is_left_alone, shown_unknown
from hcip_pipeline.tables.workbooks import holds_sheet

#: A CMS certification number.
CCN = re.compile(r"[0-9A-Z]{6}", re.ASCII)
_FOLDER = re.compile(rf"({CCN.pattern})(?:\.r([2-9]|[1-9][0-9]{{1,3}}))?", re.ASCII)
FORMATS = (".csv", ".csv.gz", ".csv.zip", ".parquet", ".xlsx")
TABLES = ("discharges", "charges")
#: What :func:`table_of` returns for a file of bills, which has both tables.
BILLS = "bills"
CONTROL_TOTALS = "control_totals.json"
_NAMED = 3
KNOWN_NAMES = {f"{table}{ending}": table for table in (*TABLES, GROUPING) for ending in FORMATS} | {CONTROL_TOTALS: ""}


def table_of(name: str) -> str | None:
    """The table that a file contains, by its name in any letter case: empty for control totals, None for other files.

    ``bills`` for X12 bills, which have discharges and charges, and ``grouping`` for the file next to them.
    """
    return BILLS if is_bill_file(name) else KNOWN_NAMES.get(name.lower())


def is_workbook(name: str) -> bool:
    """Whether a file has the name of a workbook and is not a temporary file of Excel."""
    return name.lower().endswith(".xlsx") and not name.startswith("~$")


@dataclass(frozen=True)
class Submission:
    """One submission folder: a hospital, a quarter and a version.

    Attributes:
        root: the folder that links must not lead out of (the inbox).
        name_problem: set if the folder's name is not a hospital and version.
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
    """The submission in a folder, judging by its name."""
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        problem = Problem(
            "S-FOLDER-NAME", f"'{shown_unknown(folder.name)}' is neither a CCN nor a CCN with .r2, .r3, …"
        )
        return Submission(folder, quarter, "", 0, root, problem)
    return Submission(folder, quarter, match[1], int(match[2] or 1), root)


def submissions(inbox: Path, quarter: Quarter) -> list[Submission]:
    """Every submission of a quarter by hospital and version; other folders come with a ``name_problem``."""
    place = inbox / "hospital" / str(quarter)
    if not place.is_dir():
        return []
    found = [submission_at(entry, quarter, inbox) for entry in place.iterdir() if not is_left_alone(entry.name)]
    return sorted(found, key=lambda s: (s.ccn or "~", s.version, s.stem))


def leads_out(path: Path, root: Path) -> bool:
    """Whether a link takes ``path`` out of ``root`` (or nowhere at all)."""
    try:
        return not path.resolve(strict=True).is_relative_to(root.resolve(strict=True))
    except (OSError, RuntimeError):
        return True


@dataclass(frozen=True)
class Contents:
    """The files of a submission by table, the control totals, and problems with the names.

    Attributes:
        entries: names of this submission's files, read or not: a file more or less makes it another submission.
        bills, grouping: X12 bills by name and the file next to them, instead of ``tables``.
    """

    tables: dict[str, Path]
    control_totals: Path | None
    problems: tuple[Problem, ...]
    entries: tuple[str, ...] = ()
    bills: tuple[Path, ...] = ()
    grouping: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Every file with rows."""
        return [*self.tables.values(), *self.bills, *([self.grouping] if self.grouping else [])]


def contents(submission: Submission, *, only: str = "", charges_needed: bool = True) -> Contents:
    """Find out which file is which.

    Args:
        only: look only for this table (when a single file is checked).
        charges_needed: False if costs are reported, so that no charge lines are needed (methodology §2).
    """
    problems: list[Problem] = []
    folder = submission.folder
    if leads_out(folder, submission.root):
        return Contents({}, None, (Problem("S-OUTSIDE-INBOX", "the folder is a link that points outside the inbox"),))
    if not folder.is_dir():
        return Contents({}, None, (Problem("F-NOT-A-FILE", "the submission is not a folder"),))
    try:
        names = sorted(entry.name for entry in folder.iterdir() if not is_left_alone(entry.name))
    except OSError:
        return Contents({}, None, (Problem("F-NOT-A-FILE", "the folder cannot be opened"),))
    tables: dict[str, Path] = {}
    known: set[str] = set()
    books = [name for name in names if is_workbook(name) and not leads_out(folder / name, submission.root)]
    bills = [name for name in names if table_of(name) == BILLS] if not only else []
    for table in (GROUPING,) if bills else TABLES if not only else (only,):
        found = [name for name in names if table_of(name) == table]
        found += [book for book in books if book not in found and holds_sheet(folder / book, table, WORKBOOK)]
        if not found and (book := _only_workbook(names, books)):
            found = [book]
        known.update(found)
        if len(found) > 1:
            problems.append(Problem("F-AMBIGUOUS", f"{table} was found {len(found)} times: {_listed(found)}"))
        elif not found and len(unnamed := [book for book in books if table_of(book) is None]) > 1:
            words = f"there are {len(unnamed)} workbooks, and none has a sheet named {table}: {_listed(unnamed)}"
            problems.append(Problem("F-AMBIGUOUS", words))
            known.update(unnamed)
        elif found and leads_out(folder / found[0], submission.root):
            problems.append(Problem("S-OUTSIDE-INBOX", "is a link that points outside the inbox", file=found[0]))
        elif found:
            tables[table] = folder / found[0]
        elif table != "charges" or charges_needed:
            problems.append(Problem("F-MISSING", f"there is no {table} file{_similar_file(table, names)}"))
    stated = [name for name in names if table_of(name) == ""]
    known.update(stated)
    control = folder / stated[0] if stated else None
    if control is not None and leads_out(control, submission.root):
        problems.append(Problem("S-OUTSIDE-INBOX", "is a link that points outside the inbox", file=CONTROL_TOTALS))
        control = None
    if bills:
        known.update(name for name in names if table_of(name) in (BILLS, *TABLES))
        problems += _problems_of_bills(submission, names, bills)
    unknown = [name for name in names if name not in known]
    if not only:
        problems += [
            Problem("S-FILE-UNKNOWN", f"'{shown_unknown(name)}' is unknown and ignored") for name in unknown[:20]
        ]
    entries = tuple(name for name in names if table_of(name) is not None or is_workbook(name))
    grouping = tables.pop(GROUPING, None)
    return Contents(tables, control, tuple(problems), entries, tuple(folder / name for name in bills), grouping)


def _problems_of_bills(submission: Submission, names: list[str], bills: list[str]) -> list[Problem]:
    both = [name for name in names if table_of(name) in TABLES]
    problems = [
        Problem("S-OUTSIDE-INBOX", "is a link that points outside the inbox", file=name)
        for name in bills
        if leads_out(submission.folder / name, submission.root)
    ]
    if both:
        words = f"there are bills ({_listed(bills[:_NAMED])}) and tables ({_listed(both)}) of the same stays"
        problems.append(Problem("F-AMBIGUOUS", words))
    return problems


def _only_workbook(names: list[str], books: list[str]) -> str | None:
    """The workbook, if it is the only table file; its sheets may have any name."""
    return books[0] if len(books) == 1 and not any(table_of(name) for name in names) else None


def _listed(names: list[str]) -> str:
    """File names as a message may show them."""
    return ", ".join(name if table_of(name) is not None else shown_unknown(name) for name in names)


def _similar_file(table: str, names: list[str]) -> str:
    """The file whose name is similar to the table's, for a message."""
    close = difflib.get_close_matches(f"{table}.csv", [name.lower() for name in names], n=1, cutoff=0.6)
    name = next((name for name in names if close and name.lower() == close[0]), "")
    if not name or table_of(name) is not None:
        return ""
    return f"; found '{shown_unknown(name)}': name it {table} with one of the endings {', '.join(FORMATS)}"
