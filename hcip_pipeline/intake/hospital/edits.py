"""The edits of inputs.md as SQL over whole tables: one expression a check, each naming its rule and column.

Belongs here: what a cell and a row may say, and what rows of the two files owe each other.
Does not belong here: severities and fixes (``rules``), reading (``reading``), the verdict (``judging``).
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.intake.hospital import rules
from hcip_pipeline.periods import Quarter


@dataclass(frozen=True)
class Check:
    """``sql`` is true where the row breaks the rule; null counts as not broken."""

    rule: str
    column: str
    sql: str


def _raw(column: str) -> str:
    return f"{column}__raw"


def _unreadable_date(column: str) -> str:
    raw = _raw(column)
    return f"({raw} <> '' and ({column} is null or length({raw}) <> 10 or cast({column} as varchar) <> {raw}))"


_MONEY = r"\d{1,16}\.\d\d"


def _luhn_fails(column: str) -> str:
    """True unless ten digits with a valid check digit over 80840 + NPI (methodology §4)."""
    total = " + ".join(
        f"({d} * 2 - case when {d} > 4 then 9 else 0 end)" if place % 2 else d
        for place, d in ((place, f"(ascii({column}[{place}]) - 48)") for place in range(1, 11))
    )
    # the constant prefix 80840 adds 24 to every sum
    return f"(not regexp_full_match({column}, '[0-9]{{10}}') or ({total} + 24) % 10 <> 0)"


def _too_long(prefix: str, table: Table, judged_elsewhere: tuple[str, ...]) -> list[Check]:
    return [
        Check(f"{prefix}-TEXT-TOO-LONG", column.name, f"length({column.name}) > {column.max_length or rules.MAX_TEXT}")
        for column in table.columns
        if column.type == "text" and not column.allowed and column.name not in judged_elsewhere
    ]


def _shape(prefix: str) -> list[Check]:
    return [
        Check(f"{prefix}-CONTROL-CHARACTER", "", "has_control"),
        *(
            Check(f"{prefix}-KEY-MISSING", name, f"coalesce({name}, '') = ''")
            for name in ("hospital_ccn", "account_no")
        ),
    ]


def _ccn(prefix: str, ccn: str) -> list[Check]:
    other = f"hospital_ccn <> '' and hospital_ccn <> '{ccn}'"
    known = "hospital_ccn in (select ccn from ref_hospitals)"
    return [
        Check(f"{prefix}-CCN-UNKNOWN", "hospital_ccn", f"({other} and not {known})"),
        Check(f"{prefix}-CCN-NOT-FOLDER", "hospital_ccn", f"({other} and {known})"),
    ]


def discharge_errors(ccn: str, quarter: Quarter, *, reported_cost_needed: bool) -> list[Check]:
    """Checks on a discharge by itself. ``ccn`` must be six letters or digits: it becomes part of the SQL."""
    ungroupable = ", ".join(f"'{drg}'" for drg in rules.UNGROUPABLE)
    cost_empty = "" if reported_cost_needed else "reported_cost__raw <> '' and "
    return [
        *_shape("D"),
        *_ccn("D", ccn),
        *(Check("D-DATE-UNREADABLE", name, _unreadable_date(name)) for name in ("birth_date", "admit_date", "discharge_date")),
        *(Check("D-DATE-UNREADABLE", name, f"coalesce({_raw(name)}, '') = ''") for name in ("admit_date", "discharge_date")),
        Check("D-DISCHARGE-BEFORE-ADMISSION", "discharge_date", "discharge_date < admit_date"),
        Check(
            "D-DISCHARGE-OUTSIDE-QUARTER", "discharge_date",
            f"not {_unreadable_date('discharge_date')} and"
            f" (discharge_date < date '{quarter.start}' or discharge_date > date '{quarter.end}')",
        ),
        Check(
            "D-APR-DRG-UNKNOWN", "apr_drg",
            f"apr_drg not in ({ungroupable}) and (grouper_version || ' ' || apr_drg) not in (select code from ref_apr_drg)",
        ),
        Check(
            "D-SEVERITY-INVALID", "severity_of_illness",
            f"severity_of_illness is null and not (apr_drg is null or apr_drg in ({ungroupable}))",
        ),
        Check(
            "D-DISPOSITION-UNKNOWN", "discharge_disposition",
            "coalesce(discharge_disposition, '') not in (select code from ref_dispositions)",
        ),
        Check("D-MONEY-INVALID", "total_charges", f"not regexp_full_match(coalesce(total_charges__raw, ''), '{_MONEY}')"),
        Check("D-MONEY-INVALID", "reported_cost", f"{cost_empty}not regexp_full_match(coalesce(reported_cost__raw, ''), '{_MONEY}')"),
        Check("D-CELL-EMPTY", "grouper_version", "coalesce(grouper_version, '') = ''"),
        *_too_long("D", DISCHARGES, ("hospital_ccn", "discharge_disposition", "apr_drg")),
    ]  # fmt: skip


def discharge_warnings() -> list[Check]:
    """Checks that are counted on discharges which are accepted."""
    return [
        Check("D-ATTENDING-NPI", "attending_npi", f"attending_npi is null or {_luhn_fails('attending_npi')}"),
        Check("D-OPERATING-NPI-MISSING", "operating_npi", "operating_npi is null and is_surgical"),
        Check("D-OPERATING-NPI-INVALID", "operating_npi", _luhn_fails("operating_npi")),
        Check("D-PATIENT-ID-MISSING", "patient_id", "patient_id is null"),
        Check("D-STAY-LONG", "discharge_date", f"length_of_stay > {rules.MAX_STAY_DAYS}"),
        Check(
            "D-AGE", "birth_date",
            f"birth_date > discharge_date or date_sub('year', birth_date, admit_date) > {rules.MAX_AGE_YEARS}",
        ),
        *(Check("D-CODE-UNKNOWN", name, f"{_raw(name)} <> '' and {name} is null")
          for name in ("sex", "nature_of_admission", "risk_of_mortality")),
    ]  # fmt: skip


def charge_errors(ccn: str) -> list[Check]:
    """Checks on a charge line by itself. ``ccn`` must be six letters or digits: it becomes part of the SQL."""
    return [
        *_shape("C"),
        *_ccn("C", ccn),
        Check("C-DATE-UNREADABLE", "service_date", _unreadable_date("service_date")),
        Check("C-MONEY-INVALID", "charge", f"not regexp_full_match(coalesce(charge__raw, ''), '{_MONEY}')"),
        Check("C-CELL-EMPTY", "revenue_code", "coalesce(revenue_code, '') = ''"),
        *_too_long("C", CHARGES, ("hospital_ccn",)),
    ]


def charge_warnings() -> list[Check]:
    return [Check("C-UNITS-UNREADABLE", "units", "units__raw <> '' and units is null")]


def typed_sql(table: Table, cells: str) -> str:
    """Cells as typed columns, with the text of every typed one beside it as ``<column>__raw``."""
    columns: list[str] = []
    for column in table.columns:
        columns += _typed(column)
    return f"select row, shape_ok, has_control, {', '.join(columns)} from ({cells})"


def _typed(column: Column) -> list[str]:
    name = column.name
    if column.allowed:
        allowed = ", ".join(f"'{value}'" for value in column.allowed)
        return [f"case when {name} in ({allowed}) then {name} end as {name}", f"{name} as {_raw(name)}"]
    match column.type:
        case "text":
            return [f"nullif({name}, '') as {name}" if column.nullable else name]
        case "integer":
            return [
                f"case when regexp_full_match({name}, '-?[0-9]{{1,18}}') then cast({name} as bigint) end as {name}",
                f"{name} as {_raw(name)}",
            ]
        case "date":
            return [f"try_cast({name} as date) as {name}", f"{name} as {_raw(name)}"]
        case _:
            return [
                f"case when regexp_full_match({name}, '{_MONEY}') then try_cast({name} as decimal(18,2)) end as {name}",
                f"{name} as {_raw(name)}",
            ]


def any_of(checks: list[Check]) -> str:
    """True where a row breaks any of the checks."""
    return "coalesce(" + " or ".join(f"({check.sql})" for check in checks) + ", false)"


#: A cell as quarantine may show it: up to four characters as they are, else only its shape (A for letters, 9 for digits).
def redacted(cell: str) -> str:
    shape = (
        rf"regexp_replace(regexp_replace(regexp_replace(left({cell}, 40), '\p{{L}}', 'A', 'g'), '\p{{N}}', '9', 'g'),"
        r" '[^A9 -~]', '?', 'g')"
    )
    short = rf"regexp_replace({cell}, '[^ -~]', '?', 'g')"
    return f"case when length({cell}) <= 4 then {short} else {shape} end"
