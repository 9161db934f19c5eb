"""The care redesign survey: sheets and columns of the form that goes out and comes back filled.

Belongs here: what writing and reading the form must agree on. Does not belong here: writing it
(``reports.survey_form``) and judging it (``intake.survey.forms``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Cells of the first sheet that identify the form.
COVER = "Read me"
HOSPITAL_CELL = "B3"
PERIOD_CELL = "B4"
VERSION_CELL = "B5"
VERSION = "1"

#: The header row, counted from 1; answers begin below it.
HEAD_ROW = 4

#: The hidden sheet with the form's answers as sent out, one row per answer. Forms of earlier releases lack it.
SENT_OUT = "Sent out"
SENT_OUT_HEAD = ("Sheet", "NPI", "Condition or intervention", "Answer", "From")
COMPUTED, REPORTED = "computed", "reported"

_NAME = re.compile(r"survey_(?P<ccn>[0-9A-Z]{6})_(?P<period>[0-9]{4}H[12])\.xlsx")


@dataclass(frozen=True)
class FormColumn:
    """A column of a sheet; ``field`` is the column of the program table it becomes, blank if it only explains."""

    title: str
    field: str
    width: float
    is_filled: bool = False


@dataclass(frozen=True)
class FormSheet:
    """A sheet, and the program table that it becomes.

    Attributes:
        subject: field that names the condition or intervention.
        answer: field of the answer.
    """

    name: str
    table: str
    subject: str
    answer: str
    columns: tuple[FormColumn, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """Titles of the sheet's columns."""
        return tuple(column.title for column in self.columns)

    @property
    def filled(self) -> tuple[str, ...]:
        """Fields that the hospital fills in."""
        return tuple(column.field for column in self.columns if column.is_filled)


CONDITIONS = FormSheet(
    "Conditions",
    "condition_results",
    "condition_id",
    "met",
    (
        FormColumn("NPI", "npi", 13),
        FormColumn("Care partner", "", 26),
        FormColumn("Condition", "condition_id", 20),
        FormColumn("What is asked", "", 46),
        FormColumn("Threshold", "", 18),
        FormColumn("Met (Y or N)", "met", 10, is_filled=True),
        FormColumn("Source of the result", "source", 26, is_filled=True),
        FormColumn("Reported on", "reported_on", 13, is_filled=True),
    ),
)
ACTIVITIES = FormSheet(
    "Activities",
    "intervention_activity",
    "intervention_id",
    "activities",
    (
        FormColumn("NPI", "npi", 13),
        FormColumn("Care partner", "", 26),
        FormColumn("Intervention", "intervention_id", 30),
        FormColumn("In words", "", 60),
        FormColumn("Activities performed", "activities", 12, is_filled=True),
        FormColumn("Reported on", "reported_on", 13, is_filled=True),
    ),
)
SHEETS = (CONDITIONS, ACTIVITIES)


def form_name(ccn: str, period: object) -> str:
    """``survey_210033_2025H1.xlsx``."""
    return f"survey_{ccn}_{period}.xlsx"


def parse_form_name(name: str) -> tuple[str, str] | None:
    """CCN and period of a form's file name; None for any other name."""
    match = _NAME.fullmatch(name)
    return (match["ccn"], match["period"]) if match else None
