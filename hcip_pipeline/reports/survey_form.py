"""The care redesign survey of a hospital: a form with its conditions, interventions and care partners to fill in.

Belongs here: the content of the form, and which entries it allows. Does not belong here: reading a completed form
(``intake.survey.forms``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from xlsxwriter.utility import xl_cell_to_rowcol
from xlsxwriter.worksheet import Worksheet

from hcip_pipeline.contracts import survey
from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.workbook import Book, book

_HOW = (
    "1. Fill in the yellow cells on the sheets Conditions and Activities. Results already reported are filled in.",
    "2. Enter Y if a condition was met, N if it was not. A blank counts as missing, and a missing result as not met.",
    "3. Conditions without yellow cells are computed from discharges; their results are shown for information.",
    "4. Activities are approved activities performed in the period; without any, nothing can be paid.",
    "5. Do not change the file's name, its sheets or its first columns.",
    "6. Send the file to the program's administrator. Any problems will be reported by sheet and cell.",
)


def survey_form(source: ReportSource, ccn: str) -> bytes:
    """The form of a hospital for the period, with the results already reported."""
    current = source.current
    partners = [row for row in current.of_hospital("physicians", ccn) if row["is_care_partner"]]
    names = {row["npi"]: row["name"] or "" for row in partners}
    measures = {row["condition_id"]: row for row in current.of_hospital("condition_measures", ccn)}
    included = [row for row in current.of_hospital("interventions", ccn) if row["is_included"]]
    performed = {
        (row["npi"], row["intervention_id"]): row["activities"]
        for row in current.of_hospital("care_partner_activities", ccn)
    }
    conditions = [
        (
            row["npi"],
            names[row["npi"]],
            row["condition_id"],
            row["description"],
            measures[row["condition_id"]]["threshold"],
            row["met"],
            survey.COMPUTED if _is_computed(row) else None,
            None,
        )
        for row in current.of_hospital("conditions", ccn)
    ]
    computed = {
        (row["npi"], row["condition_id"]) for row in current.of_hospital("conditions", ccn) if _is_computed(row)
    }
    activities = [
        (
            npi,
            name,
            row["intervention_id"],
            row["wording"],
            performed.get((npi, row["intervention_id"])),
            None,
        )
        for npi, name in names.items()
        for row in included
    ]
    title = f"Care redesign survey: {source.names[ccn]}, {words.half(str(source.period))}"
    with book(title, "HCIP care redesign survey", is_synthetic=source.draft.is_synthetic) as (made, stream):
        _cover(made, title, ccn, source)
        sheet = _sheet(made, survey.CONDITIONS, title, conditions, computed)
        _validate(
            sheet,
            survey.CONDITIONS,
            len(conditions),
            "met",
            {
                "validate": "list",
                "source": ["Y", "N"],
                "error_title": "Y or N",
                "error_message": "Choose Y (met) or N (not met), or leave the cell blank.",
            },
        )
        _validate_dates(sheet, survey.CONDITIONS, len(conditions), source)
        sheet = _sheet(made, survey.ACTIVITIES, title, activities, ())
        _validate(
            sheet,
            survey.ACTIVITIES,
            len(activities),
            "activities",
            {
                "validate": "integer",
                "criteria": "between",
                "minimum": 0,
                "maximum": 100000,
                "error_title": "Whole number",
                "error_message": "Enter the number of approved activities performed: 0, 1, 2 …",
            },
        )
        _validate_dates(sheet, survey.ACTIVITIES, len(activities), source)
        _prefilled(made, {survey.CONDITIONS: conditions, survey.ACTIVITIES: activities}, computed)
    return stream.getvalue()


def _is_computed(row: Row) -> bool:
    """Whether a condition's result comes from a measured value; without a value, the form asks for the result."""
    return bool(row["source"] == "MEASURED")


def _cover(made: Book, title: str, ccn: str, source: ReportSource) -> None:
    sheet = made.sheet(survey.COVER, title)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 90)
    facts = (
        (survey.HOSPITAL_CELL, "Hospital (CCN)", ccn),
        (survey.PERIOD_CELL, "Performance period", str(source.period)),
        (survey.VERSION_CELL, "Version of the form", survey.VERSION),
    )
    for cell, name, value in facts:
        row, place = xl_cell_to_rowcol(cell)
        made.text(sheet, row, 0, name, "bold")
        made.text(sheet, row, place, value)
    for line, sentence in enumerate(_HOW, start=7):
        made.text(sheet, line, 1, sentence, "wrapped")
    sheet.protect()


def _sheet(
    made: Book,
    form: survey.FormSheet,
    title: str,
    rows: Iterable[Sequence[object]],
    computed: Collection[tuple[object, object]],
) -> Worksheet:
    """A sheet with its rows; rows in ``computed`` (NPI and subject) have no cells to fill in."""
    sheet = made.sheet(form.name, title, "Yellow cells are yours to fill in.")
    head = survey.HEAD_ROW - 1
    for place, column in enumerate(form.columns):
        sheet.set_column(place, place, column.width)
        made.text(sheet, head, place, column.title, "head")
    for line, row in enumerate(rows, start=survey.HEAD_ROW):
        for place, (column, value) in enumerate(zip(form.columns, row, strict=True)):
            if not column.is_filled or _key(form, row) in computed:
                made.text(sheet, line, place, str(value or ""), "wrapped")
                continue
            name = "fill_date" if column.field == "reported_on" else "fill"
            if value is None:
                sheet.write_blank(line, place, None, made.format(name))
            elif isinstance(value, int):
                sheet.write_number(line, place, value, made.format(name))
            else:
                made.text(sheet, line, place, str(value), name)
    sheet.freeze_panes(survey.HEAD_ROW, 2)
    sheet.repeat_rows(head)
    sheet.protect("", {"format_columns": True, "format_rows": True, "sort": True, "autofilter": True})
    return sheet


def _key(form: survey.FormSheet, row: Sequence[object]) -> tuple[object, object]:
    """NPI and subject of a row."""
    return row[_place(form, "npi")], row[_place(form, form.subject)]


def _place(form: survey.FormSheet, field: str) -> int:
    return next(place for place, column in enumerate(form.columns) if column.field == field)


def _prefilled(
    made: Book,
    sheets: Mapping[survey.FormSheet, Sequence[Sequence[object]]],
    computed: Collection[tuple[object, object]],
) -> None:
    """Write the hidden sheet that lets the intake distinguish a person's entries from prefilled values."""
    sheet = made.workbook.add_worksheet(survey.SENT_OUT)
    lines: list[tuple[object, ...]] = [survey.SENT_OUT_HEAD]
    for form, rows in sheets.items():
        answer = _place(form, form.answer)
        for row in rows:
            key = _key(form, row)
            if row[answer] is not None:
                source = survey.COMPUTED if key in computed else survey.REPORTED
                lines.append((form.name, *key, row[answer], source))
    for line, cells in enumerate(lines):
        for place, value in enumerate(cells):
            made.text(sheet, line, place, str(value))
    sheet.protect()
    sheet.hide()


def _validate(sheet: Worksheet, form: survey.FormSheet, rows: int, field: str, rule: dict[str, object]) -> None:
    """Restrict the entries that a column's cells accept."""
    place = _place(form, field)
    if rows:
        sheet.data_validation(survey.HEAD_ROW, place, survey.HEAD_ROW + rows - 1, place, rule)


def _validate_dates(sheet: Worksheet, form: survey.FormSheet, rows: int, source: ReportSource) -> None:
    _validate(
        sheet,
        form,
        rows,
        "reported_on",
        {
            "validate": "date",
            "criteria": ">=",
            "value": source.period.start,
            "error_title": "Date",
            "error_message": f"Enter the date of the report, not before {words.day(source.period.start)}.",
        },
    )
