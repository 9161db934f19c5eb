"""What can be wrong with a program or reference file: the rules, each with its severity and its way out.

Belongs here: the catalogue of rules for files that people write by hand, and the error that lists every breach.
Does not belong here: the edits of hospital submissions, and the code that finds the breaches (``tabular``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hcip_pipeline.errors import HcipError

Severity = Literal["ERROR", "WARN"]

#: How many problems of one rule and column are listed; all are counted.
LISTED_PER_RULE = 5
#: How many problems one message shows.
LISTED_IN_MESSAGE = 20


@dataclass(frozen=True)
class Rule:
    """One rule: an ERROR refuses the file, a WARN is written into its receipt."""

    id: str
    severity: Severity
    meaning: str
    fix: str


RULES = {
    rule.id: rule
    for rule in (
        Rule("FILE_IS_LINK", "ERROR", "the file is a link", "put the file itself into the inbox"),
        Rule("FILE_OUTSIDE_INBOX", "ERROR", "a link leads out of the inbox", "put the file itself into the inbox"),
        Rule("FILE_ABSENT", "ERROR", "there is no such file", "check its name"),
        Rule("FILE_UNREADABLE", "ERROR", "the file cannot be opened", "put a readable file there, not a folder"),
        Rule("FILE_NOT_REGULAR", "ERROR", "it is not a regular file", "put the file itself there"),
        Rule("FILE_EMPTY", "ERROR", "the file is empty", "send at least the header line, or no file"),
        Rule("FILE_TOO_LARGE", "ERROR", "the file is over a ceiling", "check that it is the file you mean"),
        Rule("FILE_TWICE", "ERROR", "the table is there in several files", "send each table once"),
        Rule("FILE_WINDOWS_1252", "WARN", "the file is Windows-1252 text", "nothing, or save it as CSV UTF-8"),
        Rule("FILE_DELIMITER", "WARN", "cells are separated by other signs than commas", "nothing"),
        Rule("TITLE_ROW", "ERROR", "something is written above the header", "remove what is above the column names"),
        Rule("HEADER_REPEATED", "ERROR", "the header comes again among the rows", "remove the second header"),
        Rule("TOTAL_ROW", "ERROR", "a row of totals is among the rows", "remove the row"),
        Rule("CODE_PADDED", "WARN", "codes are read with leading zeros", "nothing, or format the column as text"),
        Rule("CODE_SPELLING", "WARN", "codes are spelled otherwise, and read (yes as Y)", "nothing"),
        Rule("DATE_FORM", "WARN", "dates are written otherwise, and read (3/14/2025, month first)", "nothing"),
        Rule("NUMBER_FORM", "WARN", "numbers are written otherwise, and read ($1,234.50)", "nothing"),
        Rule("PLACEHOLDER", "WARN", "a cell holds a word for 'empty' (NULL, N/A) and is read as empty", "nothing"),
        Rule("SHEETS_IGNORED", "WARN", "sheets of a workbook are ignored", "nothing, if no rows are in them"),
        Rule("CELL_BLANKS", "WARN", "blanks or a spreadsheet's marks are taken out of cells", "nothing"),
        Rule(
            "DIGITS_LOST",
            "ERROR",
            "the spreadsheet has lost digits (2.5E+10)",
            "format the column as text and export again: the digits are lost in the file itself",
        ),
        Rule("FILE_ENCODING", "ERROR", "the file is neither UTF-8 nor Windows-1252 text", "save it as CSV UTF-8"),
        Rule("FILE_NUL", "ERROR", "the file holds NUL bytes", "export it again as CSV UTF-8"),
        Rule("FILE_LINE_ENDS", "ERROR", "lines end in a bare carriage return", "save it with LF or CRLF line ends"),
        Rule("FILE_NO_ROWS", "WARN", "the file has a header and no rows", "nothing, if there is nothing to report"),
        Rule("QUOTE_OPEN", "ERROR", "a quoted cell never ends", "close the quotation mark"),
        Rule(
            "QUOTE_BARE",
            "ERROR",
            "an unquoted cell contains a quotation mark",
            'quote the cell and double the mark: "a ""b"" c"',
        ),
        Rule("ROW_RAGGED", "ERROR", "the row has another number of cells than the header", "quote cells with commas"),
        Rule("COLUMN_MISSING", "ERROR", "a column is missing", "add the column"),
        Rule("COLUMN_REPEATED", "ERROR", "a column appears twice in the header", "remove one of them"),
        Rule("COLUMN_UNKNOWN", "WARN", "an unknown column is ignored", "nothing, or remove it"),
        Rule("CELL_MISSING", "ERROR", "a cell that must be filled is empty", "fill the cell"),
        Rule("CELL_FORMAT", "ERROR", "a cell cannot be read as what its column holds", "write it as its column asks"),
        Rule("CELL_TOO_LONG", "ERROR", "a cell is too long", "shorten it"),
        Rule("CELL_CONTROL_CHARACTER", "ERROR", "a cell holds a control character", "remove it"),
        Rule("VALUE_NOT_ALLOWED", "ERROR", "a value is not one of those the column allows", "use one of them"),
        Rule("KEY_REPEATED", "ERROR", "two rows have the same key", "keep one of them"),
        Rule("NPI_CHECK_DIGIT", "ERROR", "an NPI fails its check digit", "look the NPI up and correct it"),
        Rule("CCN_UNKNOWN", "ERROR", "a CCN is not in the table of hospitals", "correct it, or add the hospital"),
        Rule("DATE_ORDER", "ERROR", "dates are in the wrong order", "correct one of the dates"),
        Rule("DATE_IMPLAUSIBLE", "ERROR", "a date is before 1900 or after 2200", "correct the year"),
        Rule("DATE_OUTSIDE_PERIOD", "WARN", "a date is outside the period", "check the date, or the folder"),
        Rule("PERIOD_UNKNOWN", "ERROR", "a cell is no performance period", "write it as 2025H1 or 2025H2"),
        Rule("AMOUNT_NEGATIVE", "ERROR", "an amount that cannot be negative is", "correct the sign"),
        Rule(
            "ADJUSTMENT_INCREASE",
            "ERROR",
            "a committee adjustment increases a payment",
            "an adjustment only reduces: write zero or a negative amount",
        ),
        Rule("NUMBER_OUT_OF_RANGE", "ERROR", "a number is out of its range", "correct the number"),
        Rule("PARTS_EXCEED_TOTAL", "ERROR", "a part is larger than its whole", "correct one of the numbers"),
        Rule("TIN_NOT_NINE_DIGITS", "WARN", "a TIN has not nine digits", "correct the TIN before anything is paid"),
        Rule("INTERVENTION_UNKNOWN", "WARN", "an intervention is not in the catalogue", "use the catalogue's id"),
        Rule("CONDITION_UNKNOWN", "WARN", "a condition is not in the hospital's protocol", "use the protocol's id"),
        Rule("SOURCE_UNKNOWN", "WARN", "a clearance is about a list that is not compared by name", "write OIG"),
        Rule("RATE_CENTER_UNKNOWN", "ERROR", "a rate center is not in the table of rate centers", "add it there"),
        Rule("RANGE_REVERSED", "ERROR", "a range ends before it starts", "exchange its ends"),
        Rule("RANGE_AMBIGUOUS", "ERROR", "two overlapping ranges are equally narrow", "make one of them narrower"),
        Rule("FACTOR_MISSING", "ERROR", "neither markup nor cost_to_charge is given", "fill at least one"),
        Rule(
            "SURVEY_UNREADABLE",
            "ERROR",
            "the survey is no workbook that can be read",
            "save the form as an Excel workbook (.xlsx) and send it again",
        ),
        Rule(
            "SURVEY_OTHER_FORM",
            "ERROR",
            "the form belongs to another hospital, period or version than its name states",
            "fill in the form that the release holds for this hospital and period",
        ),
        Rule(
            "SURVEY_CHANGED",
            "ERROR",
            "a sheet of the form, or its heads, are not as they went out",
            "copy your entries into a fresh form, and keep its sheets and heads",
        ),
        Rule("SURVEY_FORMULA", "ERROR", "a cell of the survey holds a formula", "write the value itself"),
        Rule(
            "SURVEY_COMPUTED",
            "WARN",
            "a computed result was changed in a survey, and the computed one holds",
            "send the discharges that are missing from the measure, or ask the program's administrator",
        ),
        Rule("SURVEY_BLANK", "WARN", "nothing is filled in", "fill in the yellow cells, or remove the file"),
        Rule(
            "SURVEY_CONFLICT",
            "WARN",
            "a survey form and a CSV file disagree; the CSV file counts",
            "correct the one that is wrong",
        ),
        Rule("YEAR_INCOMPLETE", "ERROR", "a year is missing one of its rows", "add the missing row"),
    )
}


@dataclass(frozen=True)
class Problem:
    """One breach: ``row`` is the line of the file (the header is line 1)."""

    rule: str
    message: str
    row: int | None = None
    column: str = ""

    @property
    def severity(self) -> Severity:
        """Severity of the rule."""
        return RULES[self.rule].severity

    def __str__(self) -> str:
        where = [f"row {self.row}"] if self.row is not None else []
        if self.column:
            where.append(f"column {self.column}")
        return f"{', '.join(where)}: {self.message}" if where else self.message

    def as_dict(self) -> dict[str, object]:
        """The problem for JSON."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "row": self.row,
            "column": self.column,
            "message": self.message,
            "fix": RULES[self.rule].fix,
        }


class TableRefusedError(HcipError):
    """A table that cannot be taken in, with every problem found.

    Args:
        path: the file.
        problems: the problems, at most :data:`LISTED_PER_RULE` for each rule and column.
        counts: how many breaches each rule has in all.
    """

    def __init__(self, path: Path, problems: Sequence[Problem], counts: Counter[str]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.row or 0, problem.column)))
        self.counts = counts
        errors = [problem for problem in self.problems if problem.severity == "ERROR"]
        first = errors[0]
        total = sum(count for rule, count in counts.items() if RULES[rule].severity == "ERROR")
        if total == 1:
            message = f"column {first.column}: {first.message}" if first.column else first.message
        else:
            lines = [f"{problem} [{problem.rule}]" for problem in errors[:LISTED_IN_MESSAGE]]
            more = [f"and {total - len(lines)} more"] if total > len(lines) else []
            message = f"{total} errors: " + "; ".join(lines + more)
        super().__init__(
            message,
            fix="; ".join(dict.fromkeys(RULES[problem.rule].fix for problem in errors)),
            file=path,
            row=first.row,
            rule=first.rule if total == 1 else "",
        )


def tally(problems: Iterable[Problem]) -> Counter[str]:
    """Breaches by rule."""
    return Counter(problem.rule for problem in problems)
