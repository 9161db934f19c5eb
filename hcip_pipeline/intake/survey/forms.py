"""Completed care redesign surveys: ``<inbox>/program/<period>/survey_<ccn>_<period>.xlsx``.

Belongs here: reading a form's sheets into program tables, and naming each breach by sheet and cell. Does not belong
here: the form's layout (``contracts.survey``), versions and which one is in force (``ingest``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import polars as pl
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from hcip_pipeline.contracts import survey
from hcip_pipeline.contracts.program import TABLES
from hcip_pipeline.contracts.survey import FormSheet
from hcip_pipeline.files.received import DAMAGE, SURVEY, WORKBOOK, NotReceivedError, read_file
from hcip_pipeline.intake.program.edits import program_rules
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.rules.files import RULES
from hcip_pipeline.rules.problem import Problem, tally
from hcip_pipeline.tables.contract_columns import check_contract_table
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.tables.tabular import LINE, TextTable
from hcip_pipeline.tables.workbook_extent import ExtentError, check_extent

#: Cells of the first sheet whose value does not come from the form's name -> wording before the value wanted.
_WANTED = {survey.VERSION_CELL: "its version must be"}
#: Changed computed answers that are listed per sheet; all are counted.
_LISTED = 20


@dataclass(frozen=True)
class SentOut:
    """An answer that a form already had when it was sent out, as text; a computed one is shown, not asked for."""

    answer: str
    is_computed: bool


@dataclass(frozen=True)
class JudgedSurvey:
    """A form as read.

    Attributes:
        frames: program table -> the rows that are filled in, in the table's columns and key order; empty if refused.
        problems: the listed breaches; ``column`` is the cell, as ``Conditions!F7``.
        counts: breaches by rule.
        sha256: of the file; blank if it cannot be opened.
        sent_out: sheet, NPI and subject -> the answer that the form already had when it was sent out.
    """

    ccn: str
    frames: dict[str, pl.DataFrame]
    problems: tuple[Problem, ...]
    counts: Counter[str]
    sha256: str
    bytes: int
    sent_out: Mapping[tuple[str, str, str], SentOut] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        """Whether the form was refused."""
        return any(RULES[rule].severity == "ERROR" for rule in self.counts)

    @property
    def rows(self) -> int:
        """Number of answers on the form."""
        return sum(frame.height for frame in self.frames.values())


def judge_survey(
    path: Path,
    period: PerformancePeriod,
    hospitals: Collection[str],
    conditions: Collection[tuple[str, str]] | None = None,
    within: Path | None = None,
) -> JudgedSurvey:
    """Read a completed form.

    Args:
        path: the file, named ``survey_<ccn>_<period>.xlsx``.
        period: the period that it must report on.
        hospitals: the known CCNs.
        conditions: pairs of CCN and condition id of the protocols in force; None if they are not known.
        within: the folder that no link may lead out of (the inbox).
    """
    named = survey.parse_form_name(path.name)
    if named is None:
        raise ValueError(f"{path.name} is not the name of a survey form")
    ccn = named[0]
    judged = JudgedSurvey(ccn, {}, (), Counter(), "", 0)
    try:
        raw = read_file(path, SURVEY, within=within, links=False)
        judged = replace(judged, sha256=hashlib.sha256(raw).hexdigest(), bytes=len(raw))
        with _opened(raw) as book:
            return _judge_book(book, judged, path, period, hospitals, conditions)
    except NotReceivedError as error:
        return _with(judged, [Problem(error.rule, error.message)])
    except _UNREADABLE as error:
        return _with(judged, [Problem("SURVEY-UNREADABLE", _why(error))])


def _judge_book(
    book: Any,
    judged: JudgedSurvey,
    path: Path,
    period: PerformancePeriod,
    hospitals: Collection[str],
    conditions: Collection[tuple[str, str]] | None,
) -> JudgedSurvey:
    ccn = judged.ccn
    if (other := _other_form(book, ccn, period)) is not None:
        return _with(judged, [other])
    problems: list[Problem] = []
    counts: Counter[str] = Counter()
    frames = {}
    sent_out = _sent_out(book)
    for form in survey.SHEETS:
        found = _sheet(book, form, ccn, sent_out)
        if isinstance(found, list):
            problems += found
            counts += tally(found)
            continue
        problems += found.noted[:_LISTED]
        counts += tally(found.noted)
        table = TABLES[form.table]
        try:
            checked = check_contract_table(found.text, path, table, program_rules(table, period, hospitals, conditions))
        except TableRefusedError as error:
            problems += [_located(problem, form) for problem in error.problems]
            counts += error.counts
            continue
        listed = [problem for problem in checked.warnings if problem.rule != "FILE-NO-ROWS"]
        problems += [_located(problem, form) for problem in listed]
        counts += Counter({rule: n for rule, n in checked.warning_counts.items() if rule != "FILE-NO-ROWS"})
        frames[form.table] = checked.frame.drop(LINE).sort(table.key)
    if not problems and not any(frame.height for frame in frames.values()):
        problems.append(Problem("SURVEY-BLANK", "no cell of the form is filled in"))
        counts["SURVEY-BLANK"] += 1
    judged = replace(judged, problems=tuple(problems), counts=counts, sent_out=sent_out)
    return judged if judged.is_refused else replace(judged, frames=frames)


def _with(judged: JudgedSurvey, problems: list[Problem]) -> JudgedSurvey:
    return replace(judged, problems=tuple(problems), counts=tally(problems))


#: raised by openpyxl and the unpacking modules for a truncated or damaged workbook, on opening it or at any row
_UNREADABLE = (
    *DAMAGE, InvalidFileException, ParseError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError,
    AssertionError, ExtentError,
)  # fmt: skip


def _why(error: Exception) -> str:
    if isinstance(error, ExtentError):
        return f"the file {error}"
    return "the file cannot be opened as an Excel workbook, or is damaged"


@contextmanager
def _opened(raw: bytes) -> Iterator[Any]:
    """The workbook; rows are read on demand, so damage may be found at any of them."""
    # Rows that are empty except for their style cost nothing here: they are read one by one, up to the form's ceiling.
    check_extent(BytesIO(raw), len(raw), replace(SURVEY, rows=WORKBOOK.rows))
    book = openpyxl.load_workbook(BytesIO(raw), read_only=True)
    try:
        yield book
    finally:
        book.close()


def _other_form(book: Any, ccn: str, period: PerformancePeriod) -> Problem | None:
    if survey.COVER not in book.sheetnames:
        return Problem("SURVEY-CHANGED", f"the sheet '{survey.COVER}' is missing", column=survey.COVER)
    wanted = {survey.HOSPITAL_CELL: ccn, survey.PERIOD_CELL: str(period), survey.VERSION_CELL: survey.VERSION}
    cover = {
        f"{get_column_letter(place)}{line}": value
        for line, row in enumerate(book[survey.COVER].iter_rows(max_row=6, max_col=2, values_only=True), start=1)
        for place, value in enumerate(row, start=1)
    }
    for cell, value in wanted.items():
        if str(cover.get(cell) or "").strip() != value:
            return Problem(
                "SURVEY-OTHER-FORM",
                f"the form says {_shown(cover.get(cell))}, but {_WANTED.get(cell, 'its name says')} {value}",
                column=f"{survey.COVER}!{cell}",
            )
    return None


def _sent_out(book: Any) -> dict[tuple[str, str, str], SentOut]:
    """The answers that the form had when it was sent out; empty for older releases, whose forms did not record them."""
    found: dict[tuple[str, str, str], SentOut] = {}
    if survey.SENT_OUT in book.sheetnames:
        width = len(survey.SENT_OUT_HEAD)
        for row in book[survey.SENT_OUT].iter_rows(min_row=2, max_row=2 * SURVEY.rows, max_col=width, values_only=True):
            sheet, npi, subject, answer, source = (_text(value, "") or "" for value in (*row, *[None] * width)[:width])
            found[sheet, npi, subject] = SentOut(answer, source == survey.COMPUTED)
    return found


@dataclass(frozen=True)
class _Filled:
    """The rows of a sheet that are filled in, and the problems noted in the others."""

    text: TextTable
    noted: list[Problem]


def _sheet(
    book: Any, form: FormSheet, ccn: str, sent_out: Mapping[tuple[str, str, str], SentOut]
) -> _Filled | list[Problem]:
    """A sheet's filled-in rows as text cells of its program table, or the problems of the sheet itself.

    Computed answers are not rows, because the form only shows them. If one was changed, that is noted.
    """
    if form.name not in book.sheetnames:
        return [Problem("SURVEY-CHANGED", f"the sheet '{form.name}' is missing", column=form.name)]
    rows = book[form.name].iter_rows(min_row=survey.HEAD_ROW, max_row=SURVEY.rows, max_col=len(form.columns))
    head = next(rows, ())
    titles = [str(cell.value or "").strip() for cell in head]
    for place, (title, wanted) in enumerate(zip(titles, form.titles, strict=False), start=1):
        if title != wanted:
            cell = f"{form.name}!{get_column_letter(place)}{survey.HEAD_ROW}"
            return [Problem("SURVEY-CHANGED", f"the heading is {_shown(title)}, not '{wanted}'", survey.HEAD_ROW, cell)]
    if len(titles) < len(form.titles):
        return [Problem("SURVEY-CHANGED", f"the sheet '{form.name}' lacks columns", survey.HEAD_ROW, form.name)]
    formulas: list[Problem] = []
    filled: list[dict[str, str | int | None]] = []
    noted: list[Problem] = []
    answer_letter = get_column_letter([column.field for column in form.columns].index(form.answer) + 1)
    for line, row in enumerate(rows, start=survey.HEAD_ROW + 1):
        cells: dict[str, str | int | None] = {"hospital_ccn": ccn, LINE: line}
        values = {
            column.field: _text(cell.value, column.field) for column, cell in zip(form.columns, row, strict=False)
        }
        shown = sent_out.get((form.name, values.get("npi") or "", values.get(form.subject) or ""))
        if shown is not None and shown.is_computed:
            if values.get(form.answer) != shown.answer:
                where, typed = f"{form.name}!{answer_letter}{line}", _shown(values.get(form.answer))
                message = f"the cell is {typed} where the computed result is {shown.answer}: the computed one holds"
                noted.append(Problem("SURVEY-COMPUTED", message, line, where))
            continue
        for place, (column, cell) in enumerate(zip(form.columns, row, strict=False), start=1):
            if not column.field:
                continue
            if cell.data_type == "f":
                where = f"{form.name}!{get_column_letter(place)}{line}"
                formulas.append(Problem("SURVEY-FORMULA", "the cell contains a formula", line, where))
            cells[column.field] = values[column.field]
        if any(cells.get(field) for field in form.filled):
            filled.append(cells)
    if formulas:
        return formulas
    names = TABLES[form.table].names
    schema = {**dict.fromkeys(names, pl.String), LINE: pl.Int64}
    frame = pl.DataFrame([{name: row.get(name) for name in schema} for row in filled], schema=schema, orient="row")
    return _Filled(TextTable(frame, names, 0, 0, ""), noted)


def _text(value: object, field: str) -> str | None:
    """A cell as the text that a CSV file would have."""
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return (text.upper() if field == "met" else text) or None


def _located(problem: Problem, form: FormSheet) -> Problem:
    """The same breach, named by sheet and cell."""
    places = {column.field: place for place, column in enumerate(form.columns, start=1) if column.field}
    field = problem.column.split(",")[-1].strip()
    letter = get_column_letter(places[field]) if field in places else ""
    where = f"{form.name}!{letter}{problem.row}" if letter and problem.row else form.name
    return replace(problem, column=where)


def _shown(value: object) -> str:
    text = "nothing" if value in (None, "") else str(value)
    return ascii(text[:40])


def form_cells(form: FormSheet, keys: Collection[tuple[str, str]], path: Path) -> Iterator[tuple[tuple[str, str], int]]:
    """Each of ``keys`` (NPI and id) with its row in the sheet."""
    places = {column.field: place for place, column in enumerate(form.columns)}
    with _opened(read_file(path, SURVEY, links=False)) as book:
        rows = book[form.name].iter_rows(min_row=survey.HEAD_ROW + 1, values_only=True, max_col=len(form.columns))
        for line, row in enumerate(rows, start=survey.HEAD_ROW + 1):
            key = (str(row[places["npi"]] or "").strip(), str(row[places[form.subject]] or "").strip())
            if key in keys:
                yield key, line
