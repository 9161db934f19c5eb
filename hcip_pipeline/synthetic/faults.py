"""The faults that ``--defects`` plants: which rule each breaks, where, and how.

Belongs here: the list. Does not belong here: choosing rows and submissions for them (``defects``), and the rules
themselves (``rules.hospital``), whose ids are used here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from hcip_pipeline.periods import Quarter

#: A CCN that no hospital has, and a revenue code that is in no range.
NO_HOSPITAL = "219999"
NO_REVENUE_CODE = "0999"
#: Charged nowhere else: in a state with defects, its markup is so low that cost is more than 1.5 times charges.
ODD_REVENUE_CODE, ODD_RATE = "0413", ("HYP", 0.45)


@dataclass(frozen=True)
class FaultPlace:
    """What a fault may need to know about its submission."""

    quarter: Quarter
    other_ccn: str


Edit = Callable[[FaultPlace], pl.Expr]


@dataclass(frozen=True)
class RowFault:
    """One fault in one row.

    Attributes:
        rule, column: as in the intake's finding.
        table: the table of the row.
        cell: the column to change, if the rule names none or another.
        edit: the new cell, as an expression over the row's text cells.
        is_warning: the row is accepted anyway.
        how: ``cell`` changes a cell, ``repeat`` sends the row twice, ``insert`` adds a line, ``shape`` adds a cell,
            ``odd charges`` moves a stay's charges to ``ODD_REVENUE_CODE``.
        surgical: only stays with a procedural APR-DRG can have it.
    """

    rule: str
    column: str
    table: str = "discharges"
    cell: str = ""
    edit: Edit = lambda place: pl.lit("")
    is_warning: bool = False
    how: str = "cell"
    surgical: bool = False

    @property
    def written_to(self) -> str:
        """The column that the fault is written to."""
        return self.cell or self.column


def _text(value: str) -> Edit:
    return lambda place: pl.lit(value)


def _moved(column: str, by: str) -> Edit:
    """A date moved by a duration such as ``-125y``, as text."""
    return lambda place: pl.col(column).str.to_date().dt.offset_by(by).cast(pl.String)


def _other_digit(column: str) -> Edit:
    """The last digit of an NPI, raised by one: its check digit is wrong then."""
    last = (pl.col(column).str.slice(9, 1).cast(pl.Int64) + 1) % 10
    return lambda place: pl.col(column).str.slice(0, 9) + last.cast(pl.String)


def _discharge(rule: str, column: str, edit: Edit, *, cell: str = "") -> RowFault:
    return RowFault(rule, column, edit=edit, cell=cell)


def _line(rule: str, column: str, edit: Edit, *, cell: str = "", how: str = "cell") -> RowFault:
    return RowFault(rule, column, "charges", edit=edit, cell=cell, how=how)


def _warning(rule: str, column: str, edit: Edit, *, cell: str = "", surgical: bool = False) -> RowFault:
    return RowFault(rule, column, edit=edit, cell=cell, is_warning=True, surgical=surgical)


_OTHER_CCN: Edit = lambda place: pl.lit(place.other_ccn)  # noqa: E731
_AFTER_QUARTER: Edit = lambda place: pl.lit(place.quarter.next().start.isoformat())  # noqa: E731

#: The edits of inputs.md, in its order, each at least once.
ROW_FAULTS = (
    RowFault("D-ROW-SHAPE", "", how="shape"),
    _discharge("D-CONTROL-CHARACTER", "", _text("P1\t2"), cell="patient_id"),
    _discharge("D-KEY-MISSING", "account_no", _text("")),
    _discharge("D-KEY-MISSING", "hospital_ccn", _text("")),
    RowFault("D-KEY-REPEATED", "account_no", how="repeat"),
    _discharge("D-CCN-UNKNOWN", "hospital_ccn", _text(NO_HOSPITAL)),
    _discharge("D-CCN-NOT-FOLDER", "hospital_ccn", _OTHER_CCN),
    _discharge("D-DATE-UNREADABLE", "birth_date", _text("1956-13-02")),
    _discharge("D-DATE-UNREADABLE", "admit_date", _text("09.03.2025")),
    _discharge("D-DATE-UNREADABLE", "discharge_date", _text("2025-02-30")),
    _discharge("D-DISCHARGE-BEFORE-ADMISSION", "discharge_date", _moved("discharge_date", "3d"), cell="admit_date"),
    _discharge("D-DISCHARGE-OUTSIDE-QUARTER", "discharge_date", _AFTER_QUARTER),
    _discharge("D-APR-DRG-UNKNOWN", "apr_drg", _text("999")),
    _discharge("D-SEVERITY-INVALID", "severity_of_illness", _text("5")),
    _discharge("D-DISPOSITION-UNKNOWN", "discharge_disposition", _text("98")),
    _discharge("D-CHARGES-DIFFER", "total_charges", lambda place: _plus("total_charges", 25)),
    _discharge("D-MONEY-INVALID", "total_charges", lambda place: "-" + pl.col("total_charges")),
    _discharge("D-MONEY-INVALID", "reported_cost", _text("to follow")),
    _discharge("D-TEXT-TOO-LONG", "patient_id", _text("P" * 40)),
    _discharge("D-CELL-EMPTY", "grouper_version", _text("")),
    _discharge("D-COMPLICATION-UNNAMED", "hac_flags", _text("YES")),
    _warning("D-ATTENDING-NPI", "attending_npi", _other_digit("attending_npi")),
    _warning("D-OPERATING-NPI-MISSING", "operating_npi", _text(""), surgical=True),
    _warning("D-OPERATING-NPI-INVALID", "operating_npi", _other_digit("operating_npi"), surgical=True),
    _warning("D-PATIENT-ID-MISSING", "patient_id", _text("")),
    _warning("D-STAY-LONG", "discharge_date", _moved("discharge_date", "-400d"), cell="admit_date"),
    RowFault("D-COST-TO-CHARGE", "total_charges", is_warning=True, how="odd charges"),
    _warning("D-AGE", "birth_date", _moved("admit_date", "-125y")),
    _warning("D-CODE-UNKNOWN", "sex", _text("X")),
    _warning("D-CODE-UNKNOWN", "nature_of_admission", _text("7")),
    _warning("D-CODE-UNKNOWN", "risk_of_mortality", _text("9")),
    _warning("D-CODE-UNKNOWN", "source_of_admission", _text("10")),
    _warning("D-CODE-UNKNOWN", "primary_payer", _text("ZZ")),
    _warning("D-CODE-MALFORMED", "principal_diagnosis", _text("stroke")),
    _warning("D-LIST-FORM", "procedures", _text("0SRC0J9:20250102")),
    _warning("D-PLACEHOLDER", "zip_code", _text("N/A")),
    _warning("D-CODE-PADDED", "primary_payer", _text("1")),
    _warning("D-CODE-SPELLING", "sex", _text("Female")),
    _warning("D-MONEY-FORM", "total_charges", lambda place: "$" + pl.col("total_charges")),
    _warning("D-BLANKS", "grouper_version", lambda place: '="' + pl.col("grouper_version") + '"'),
    RowFault("C-ROW-SHAPE", "", "charges", how="shape"),
    _line("C-CONTROL-CHARACTER", "", _text("1\t"), cell="units"),
    _line("C-KEY-MISSING", "account_no", _text(""), how="insert"),
    _line("C-KEY-MISSING", "hospital_ccn", _text("")),
    _line("C-CCN-UNKNOWN", "hospital_ccn", _text(NO_HOSPITAL)),
    _line("C-CCN-NOT-FOLDER", "hospital_ccn", _OTHER_CCN),
    _line("C-NO-DISCHARGE", "account_no", lambda place: "X" + pl.col("account_no"), how="insert"),
    _line("C-DATE-UNREADABLE", "service_date", _text("20250230")),
    _line("C-MONEY-INVALID", "charge", _text("n/a")),
    _line("C-NET-NEGATIVE", "charge", lambda place: "-9" + pl.col("charge")),
    _line("C-TEXT-TOO-LONG", "revenue_code", lambda place: pl.col("revenue_code") + "0"),
    _line("C-CELL-EMPTY", "revenue_code", _text("")),
    _line("C-CODE-PLACEHOLDER", "revenue_code", _text("N/A")),
    RowFault("C-REVENUE-CODE-UNMAPPED", "revenue_code", "charges", edit=_text(NO_REVENUE_CODE), is_warning=True),
    RowFault("C-UNITS-UNREADABLE", "units", "charges", edit=_text("1.5"), is_warning=True),
    RowFault(
        "C-CODE-PADDED",
        "revenue_code",
        "charges",
        edit=lambda place: pl.col("revenue_code").str.slice(1),
        is_warning=True,
    ),
    RowFault("C-MONEY-FORM", "charge", "charges", edit=lambda place: "$" + pl.col("charge"), is_warning=True),
    RowFault("C-PLACEHOLDER", "units", "charges", edit=_text("NULL"), is_warning=True),
    RowFault("C-UNITS-FORM", "units", "charges", edit=lambda place: pl.col("units") + ".0", is_warning=True),
    RowFault(
        "C-BLANKS", "service_date", "charges", edit=lambda place: '="' + pl.col("service_date") + '"', is_warning=True
    ),
)


def _plus(column: str, dollars: int) -> pl.Expr:
    return (pl.col(column).cast(pl.Decimal(18, 2)) + dollars).cast(pl.Decimal(18, 2)).cast(pl.String)


#: Rules of submissions that are accepted with a warning.
WARNED = (
    "S-VOLUME", "S-NPI-MISSING", "S-UNMAPPED", "S-PATIENT-ID-MISSING", "S-REPEATED", "F-COLUMN-UNKNOWN",
    "S-FILE-UNKNOWN", "S-CONTROL-KEY-UNKNOWN",
)  # fmt: skip

#: Rules of refused submissions. Each is a resubmission (or a separate folder), so the first submission stays in force.
REFUSED = (
    "F-MISSING", "F-AMBIGUOUS", "F-NOT-A-FILE", "F-EMPTY", "F-NO-ROWS", "F-COMPRESSION", "F-ENCODING", "F-NUL",
    "F-LINE-ENDS", "F-HEADER", "F-UNREADABLE", "F-COLUMN-MISSING", "F-COLUMN-REPEATED", "F-COLUMN-TYPE",
    "S-CONTROL-UNREADABLE", "S-CONTROL-DIFFERS", "S-ERROR-RATE", "S-COST-FACTOR-MISSING", "S-HOSPITAL-UNKNOWN",
    "S-FOLDER-NAME", "F-TITLE-ROW", "F-HEADER-REPEATED", "F-TOTAL-ROW", "F-DIGITS-LOST",
)  # fmt: skip
