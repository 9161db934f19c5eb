"""The edits of inputs.md as SQL over whole tables: one expression per check, with its rule and column.

Belongs here: what a cell and a row may contain.
Does not belong here: severities and fixes (``rules``), reading (``reading``), rules between the two files
(``outcomes``), the verdict (``judging``).
"""

from __future__ import annotations

from dataclasses import dataclass

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.patterns import CHARGE
from hcip_pipeline.contracts.table import LIMITS, Column, Table
from hcip_pipeline.intake.hospital import code_lists, limits
from hcip_pipeline.intake.hospital.placeholders import is_placeholder
from hcip_pipeline.intake.hospital.submission_database import CCN, FIRST_DAY, LAST_DAY


@dataclass(frozen=True)
class Check:
    """``sql`` is true for rows that break the rule; null counts as not broken.

    Attributes:
        bulk: the expression evaluated for every row, if ``sql`` needs a reference table.
    """

    rule: str
    column: str
    sql: str
    bulk: str | None = None


#: A cell up to this length identifies no one, unless it is part of a key: quarantine shows it unchanged.
LONGEST_SHOWN = 4

#: Amounts that may be below zero: a credit, which is netted (formats.md, "Credits").
SIGNED = ("charge",)


#: Suffixes of the marks that are loaded with a file: the cell is an unknown code, or not a list of codes.
MARKS = ("__unknown", "__irregular")


def _raw(column: str) -> str:
    return f"{column}__raw"


def _unreadable(column: str) -> str:
    return f"({_raw(column)} <> '' and {column} is null)"


def _is_empty(column: str) -> str:
    return f"({column} is null or {column} = '')"


def _longer(column: str, limit: int) -> str:
    """SQL: the cell has more characters than that; they are counted only if it has more bytes, which costs nothing."""
    return f"case when strlen({column}) > {limit} then length({column}) > {limit} end"


def _too_long(prefix: str, table: Table, judged_elsewhere: tuple[str, ...]) -> list[Check]:
    return [
        Check(f"{prefix}-TEXT-TOO-LONG", column.name, _longer(column.name, column.max_length or limits.MAX_TEXT))
        for column in table.columns
        if column.type == "text" and not column.allowed and column.name not in judged_elsewhere
    ]


def _foreign(prefix: str, table: Table) -> list[Check]:
    """Codes with letters or digits of another script: they look right but match nothing."""
    return [
        Check(f"{prefix}-CODE-SCRIPT", column.name, f"strlen({column.name}) <> length({column.name})")
        for column in table.columns
        if column.type == "text" and not column.allowed and column.name != "hospital_ccn"
    ]


def _any_table(prefix: str) -> list[Check]:
    other = f"hospital_ccn <> {CCN}"
    known = "hospital_ccn in (select ccn from ref_hospitals)"
    return [
        Check(f"{prefix}-CONTROL-CHARACTER", "", "has_control"),
        Check(f"{prefix}-KEY-MISSING", "hospital_ccn", _is_empty("hospital_ccn")),
        Check(f"{prefix}-KEY-MISSING", "account_no", _is_empty("account_no")),
        Check(f"{prefix}-CCN-UNKNOWN", "hospital_ccn", f"{other} and hospital_ccn <> '' and not {known}", other),
        Check(f"{prefix}-CCN-NOT-FOLDER", "hospital_ccn", f"{other} and {known}", "false"),
    ]


def discharge_errors(*, reported_cost_needed: bool) -> list[Check]:
    """Checks on a single discharge, for the hospital and quarter in the database."""
    ungroupable = ", ".join(f"'{drg}'" for drg in limits.UNGROUPABLE)
    reported = "reported_cost is null" if reported_cost_needed else _unreadable("reported_cost")
    outside = f"(discharge_date < {FIRST_DAY} or discharge_date > {LAST_DAY})"
    return [
        *_any_table("D"),
        Check("D-KEY-PLACEHOLDER", "account_no", is_placeholder("account_no")),
        Check("D-DATE-UNREADABLE", "birth_date", _unreadable("birth_date")),
        Check("D-DATE-UNREADABLE", "admit_date", "admit_date is null"),
        Check("D-DATE-UNREADABLE", "discharge_date", "discharge_date is null"),
        Check("D-DISCHARGE-BEFORE-ADMISSION", "discharge_date", "discharge_date < admit_date"),
        Check("D-DISCHARGE-OUTSIDE-QUARTER", "discharge_date", outside),
        Check(
            "D-SEVERITY-INVALID", "severity_of_illness",
            f"severity_of_illness is null and not (apr_drg is null or apr_drg in ({ungroupable}))",
        ),
        Check("D-MONEY-INVALID", "total_charges", "total_charges is null"),
        Check("D-MONEY-INVALID", "reported_cost", reported),
        Check("D-CELL-EMPTY", "grouper_version", _is_empty("grouper_version")),
        Check("D-COMPLICATION-UNNAMED", "hac_flags", code_lists.is_irregular("hac_flags")),
        *_too_long("D", DISCHARGES, ("hospital_ccn", "discharge_disposition", "apr_drg")),
        *_foreign("D", DISCHARGES),
        # Evaluated for the few distinct codes of the file rather than for every row (``outcomes``).
        Check("D-GROUPER-UNKNOWN", "grouper_version", f"grouper_version in {unlisted('grouper')}", "false"),
        Check(
            "D-APR-DRG-UNKNOWN", "apr_drg",
            f"{DRG_CODE} in {unlisted('drg')} and grouper_version not in {unlisted('grouper')}", "false",
        ),
        Check(
            "D-DISPOSITION-UNKNOWN", "discharge_disposition",
            f"coalesce(discharge_disposition, '') in {unlisted('disposition')}", "false",
        ),
    ]  # fmt: skip


#: APR-DRG with the version that grouped it; null if there is no APR-DRG.
DRG_CODE = "(coalesce(grouper_version, '') || ' ' || apr_drg)"


#: True unless the NPI is ten digits, the first 1 or 2, with a valid check digit over 80840 + NPI (methodology §4); the
#: prefix adds 24.
NPI_FAILS = """(not regexp_full_match(npi, '[12][0-9]{9}') or (24 + list_sum(list_transform(range(1, 11),
    lambda place: (ascii(npi[place]) - 48) * (1 + place % 2)
        - case when place % 2 = 1 and npi[place] > '4' then 9 else 0 end))) % 10 <> 0)"""


def unlisted(kind: str) -> str:
    """The codes of a kind (drg, grouper, disposition, npi) that are in no table, or fail their check digit."""
    return f"(select code from codes_met where kind = '{kind}' and is_bad)"


def discharge_warnings() -> list[Check]:
    """Checks that are counted on accepted discharges."""
    aged = f"date_sub('year', birth_date, admit_date) > {limits.MAX_AGE_YEARS}"
    bad = unlisted("npi")
    coded = ("sex", "nature_of_admission", "source_of_admission", "primary_payer", "risk_of_mortality")
    return [
        Check("D-ATTENDING-NPI", "attending_npi", f"attending_npi is null or attending_npi in {bad}"),
        Check("D-OPERATING-NPI-MISSING", "operating_npi", "operating_npi is null and is_surgical"),
        Check("D-OPERATING-NPI-INVALID", "operating_npi", f"operating_npi in {bad}"),
        Check("D-PATIENT-ID-MISSING", "patient_id", "patient_id is null"),
        Check("D-PATIENT-ID-SHARED", "patient_id", "patient_id in (from shared_ids)"),
        Check("D-STAY-LONG", "discharge_date", f"length_of_stay > {limits.MAX_STAY_DAYS}"),
        Check("D-AGE", "birth_date", f"birth_date > discharge_date or {aged}"),
        *(Check("D-CODE-UNKNOWN", name, f"{name}__unknown") for name in coded),
        *(Check("D-CODE-MALFORMED", name, f"{name}__irregular") for name in code_lists.WARNED),
    ]


def charge_errors() -> list[Check]:
    """Checks on a single charge line, for the hospital in the database."""
    return [
        *_any_table("C"),
        Check("C-DATE-UNREADABLE", "service_date", _unreadable("service_date")),
        Check("C-MONEY-INVALID", "charge", "charge is null"),
        Check("C-CELL-EMPTY", "revenue_code", _is_empty("revenue_code")),
        # Evaluated for the few distinct codes of the file (``outcomes.price``).
        Check("C-CODE-PLACEHOLDER", "revenue_code", is_placeholder("revenue_code"), "false"),
        # Evaluated for the few accounts with a credit (``outcomes.price``), not for every row.
        Check("C-NET-NEGATIVE", "charge", "(account_no, revenue_code) in (from credits)", "false"),
        *_too_long("C", CHARGES, ("hospital_ccn",)),
        *_foreign("C", CHARGES),
    ]


def charge_warnings() -> list[Check]:
    """Checks that are counted on accepted charge lines."""
    return [Check("C-UNITS-UNREADABLE", "units", "units__unknown")]


def warned_columns(table: Table) -> list[str]:
    """Columns whose unknown codes are read as empty and marked by ``<column>__unknown``."""
    errors = ("severity_of_illness",)
    coded = [column.name for column in table.columns if column.allowed and column.name not in errors]
    return coded + [column.name for column in table.columns if column.type == "integer"]


def typed_sql(table: Table, cells: str) -> str:
    """Cells as typed columns, null if they cannot be read, each with its text in ``<column>__raw``."""
    tried: list[str] = []
    typed: list[str] = []
    for column in table.columns:
        raw, attempt = _raw(column.name), f"{column.name}__try"
        if column.type == "text" and not column.allowed:
            cell = f"nullif({column.name}, '')" if column.nullable else column.name
            tried.append(f"{cell} as {column.name}")
            typed.append(column.name)
            continue
        cast = column.name if column.allowed else f"try_cast({column.name} as {column.sql_type})"
        tried += [f"{column.name} as {raw}", f"{cast} as {attempt}"]
        typed += [raw, f"case when {_is_written(column, raw, attempt)} then {attempt} end as {column.name}"]
    return (
        f"select row, shape_ok, has_control, {', '.join(typed)} from"
        f" (select row, shape_ok, has_control, {', '.join(tried)} from ({cells}))"
    )


def _is_written(column: Column, raw: str, attempt: str) -> str:
    """SQL: the text is written as this type requires, and does not merely happen to cast."""
    same = f"cast({attempt} as varchar) = {raw}"
    if column.allowed:
        return f"{raw} in ({', '.join(repr(value) for value in column.allowed)})"
    if column.type == "date":
        return f"length({raw}) = 10 and {same}"
    if column.type == "integer":
        least, most = LIMITS["integer"]
        return f"{same} and {attempt} between {least} and {most}"
    # Equal text is the rule; the pattern, which costs more, also lets leading zeros pass.
    least, sign = ("-" + LIMITS["money"][1], "-?") if column.name in SIGNED else ("0", "")
    within = f"{attempt} between {least} and {LIMITS['money'][1]}"
    return f"{within} and case when {same} then true else regexp_full_match({raw}, '{sign}{CHARGE}') end"


def any_of(checks: list[Check]) -> str:
    """SQL: the row breaks any of the checks, as far as the row itself shows."""
    asked = [check.sql if check.bulk is None else check.bulk for check in checks]
    return "coalesce(" + " or ".join(f"({sql})" for sql in asked if sql != "false") + ", false)"


def redacted(cell: str, column: str) -> str:
    """SQL of a cell as quarantine may show it: its shape (A for a letter, 9 for a digit), or unchanged if it is short.

    ``column`` is SQL for the name of its column: a key, however short, is shown by its shape.
    """
    letters = rf"regexp_replace(left({cell}, 40), '\p{{L}}', 'A', 'g')"
    shape = rf"regexp_replace(regexp_replace({letters}, '\p{{N}}', '9', 'g'), '[^ -~]', '?', 'g')"
    named = f"{column} in ('account_no', 'patient_id', 'birth_date', 'zip_code')"
    as_it_is = f"regexp_replace({cell}, '[^ -~]', '?', 'g')"
    return f"case when length({cell}) <= {LONGEST_SHOWN} and not ({named}) then {as_it_is} else {shape} end"
