"""What becomes of each row, in SQL: broken by itself, by what the two files owe each other, or by sharing a fate.

Belongs here: the working tables of a submission and their counts. Does not belong here: the checks (``edits``).

Tables, in the judge's connection, for the submission judged last:
    d, c            rows typed, with ``broken``: by the row itself
    drgs, npis      distinct APR-DRGs and NPIs of d: is_unknown, is_surgical, is_bad; unknown_dispositions alike
    sums            charge lines by account: lines, broken lines, charged (no total lines), unreadable charges, cost
    fate            accounts of ``d``: ``k`` (order of the account) where the discharge is kept, else null
    rejected        rows of d that are not kept
    findings        one row a broken ERROR rule: file, row, column, rule, value (redacted; ``found`` before that)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import duckdb

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import rules
from hcip_pipeline.intake.hospital.cost_factors import ALL_RATE_CENTERS, UNMAPPED, CostMethod
from hcip_pipeline.intake.hospital.edits import DRG_CODE, NPI_FAILS, Check, any_of, redacted, typed_sql, warned_columns
from hcip_pipeline.intake.hospital.receipts import RuleCount, Tally

_SHORT = {"discharges": "d", "charges": "c"}
_LISTED = 10
_WORKING = (
    "raw_discharges raw_charges d c drgs unknown_dispositions npis codes sums fate rejected found findings"
    " broken_discharges broken_charges all_codes by_code"
)
_IS_UNMAPPED = f"rate_center = '{UNMAPPED}'"
_NOT_TOTAL = f"revenue_code <> '{rules.TOTAL_REVENUE_CODE}'"


@dataclass(frozen=True)
class TableCount:
    """Rows and dollars of one file."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    error_rows: int = 0
    dollars_read: Decimal = Decimal(0)
    dollars_accepted: Decimal = Decimal(0)
    dollars_quarantined: Decimal = Decimal(0)

    @property
    def tallies(self) -> tuple[Tally, Tally]:
        rows = Tally(Decimal(self.read), Decimal(self.accepted), Decimal(self.quarantined))
        return rows, Tally(self.dollars_read, self.dollars_accepted, self.dollars_quarantined)


@dataclass(frozen=True)
class Outcome:
    """Counts over a submission; ``kept`` rows are accepted unless the whole is refused."""

    tables: dict[str, TableCount] = field(default_factory=dict)
    rules: tuple[RuleCount, ...] = ()
    rate_centers: tuple[str, ...] = ()
    kept_discharges: int = 0
    kept_charges: int = 0
    npi_missing: int = 0
    patient_id_missing: int = 0
    unmapped: int = 0


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Forget the submission before."""
    con.execute("; ".join(f"drop table if exists {name}" for name in _WORKING.split()))
    con.execute('create temp table findings (file varchar, row bigint, "column" varchar, rule varchar, value varchar)')


def load(con: duckdb.DuckDBPyConnection, table: Table, ccn: str, cells: str, errors: list[Check]) -> None:
    """Type every row of a file and mark the rows that are broken by themselves."""
    columns = [name for name in table.names if name != "hospital_ccn"]  # of a kept row it is the folder's
    columns += [f"({name}__raw <> '' and {name} is null) as {name}__unknown" for name in warned_columns(table)]
    if table.name == "discharges":
        columns.append("greatest(1, discharge_date - admit_date)::bigint as length_of_stay")
        columns.append(f"coalesce(hospital_ccn = '{ccn}', false) as is_own")
    con.execute(
        f"create temp table {_SHORT[table.name]} as select row, {', '.join(columns)},"
        f" (not shape_ok or {any_of(errors)}) as broken, shape_ok from ({typed_sql(table, cells)})"
    )
    if table.name == "discharges":
        _look_up(con)


def _look_up(con: duckdb.DuckDBPyConnection) -> None:
    """Codes against their tables, each distinct code once."""
    ungroupable = ", ".join(f"'{drg}'" for drg in rules.UNGROUPABLE)
    con.execute(
        f"""create temp table drgs as
        select used.code, ref.code is null and apr_drg not in ({ungroupable}) as is_unknown,
            coalesce(ref.is_surgical, false) as is_surgical
        from (select distinct apr_drg, {DRG_CODE} as code from d where apr_drg is not null and shape_ok) used
        left join ref_apr_drg ref using (code) where used.code is not null"""
    )
    con.execute(
        """create temp table unknown_dispositions as
        select distinct coalesce(discharge_disposition, '') as code from d
        where shape_ok and coalesce(discharge_disposition, '') not in (select code from ref_dispositions)"""
    )
    con.execute(
        f"""create temp table npis as
        select npi, {NPI_FAILS} as is_bad from (select attending_npi as npi from d union select operating_npi from d)
        where npi is not null"""
    )
    if _any(con, "drgs where is_unknown") or _any(con, "unknown_dispositions"):
        con.execute(
            f"""update d set broken = true where shape_ok and (
            coalesce({DRG_CODE} in (select code from drgs where is_unknown), false)
            or coalesce(discharge_disposition, '') in (select code from unknown_dispositions))"""
        )


def price(
    con: duckdb.DuckDBPyConnection,
    factors: dict[str, Decimal | None],
    warnings: list[Check],
    *,
    has_charges: bool,
    method: CostMethod,
) -> None:
    """Charge lines by revenue code and by account, and their cost where a factor is known (for a warning)."""
    con.execute("create temp table codes (revenue_code varchar, rate_center varchar, factor decimal(18,8))")
    con.execute(
        "create temp table sums (account_no varchar, lines bigint, broken_lines bigint, unreadable bigint,"
        " charged decimal(38,2), cost decimal(38,10))"
    )
    if not has_charges:
        return
    con.execute("create or replace temp table factors (rate_center varchar, factor decimal(18,8))")
    known = [(center, factor) for center, factor in factors.items() if factor is not None]
    if known:
        con.executemany("insert into factors values (?, ?)", known)
    con.execute(f"create temp table all_codes as {_by_code('c', warnings)}")
    width = "cast(r.revenue_code_to as integer) - cast(r.revenue_code_from as integer)"
    con.execute(
        f"""insert into codes
        with used as (select revenue_code from all_codes where {_NOT_TOTAL}),
        mapped as (
            select used.revenue_code, arg_min(r.rate_center, {width}) as rate_center
            from used join ref_revenue_codes r on length(used.revenue_code) = 4
                and used.revenue_code between r.revenue_code_from and r.revenue_code_to
            group by 1),
        centers as (
            select used.revenue_code, coalesce(mapped.rate_center, '{UNMAPPED}') as rate_center
            from used left join mapped using (revenue_code))
        select revenue_code, rate_center, coalesce(own.factor, whole.factor)
        from centers left join factors own using (rate_center)
        left join factors whole on whole.rate_center = '{ALL_RATE_CENTERS}'"""
    )
    priced = method != "reported" and bool(known)
    con.execute(
        f"""insert into sums
        select account_no, count(*), count(*) filter (broken), count(*) filter (charge is null),
            coalesce(sum(charge) filter (revenue_code is null or {_NOT_TOTAL}), 0),
            {"sum(charge * factor)" if priced else "null"}
        from c {"left join codes using (revenue_code)" if priced else ""} group by account_no"""
    )


def _by_code(lines: str, warnings: list[Check]) -> str:
    flags = ", ".join(f"count(*) filter ({check.sql})" for check in warnings)
    counts = f"count(*) as lines, coalesce(sum(charge), 0) as charged, [{flags}] as warned"
    return f"select revenue_code, {counts} from {lines} group by 1"


def decide(con: duckdb.DuckDBPyConnection, *, both: bool, tables: tuple[str, ...]) -> None:
    """Which discharges are kept, and with them which lines."""
    con.execute('create temp table found (file varchar, row bigint, "column" varchar, rule varchar, value varchar)')
    if "discharges" not in tables:
        con.execute("create temp table fate (account_no varchar, k bigint)")
        return
    con.execute(
        """insert into found
        select 'discharges', row, 'account_no', 'D-KEY-REPEATED', account_no
        from d where shape_ok and is_own and account_no in (
            select account_no from d where shape_ok and is_own and account_no <> '' group by 1 having count(*) > 1)"""
    )
    if both:
        con.execute(
            f"""insert into found
            select 'discharges', row, 'total_charges', 'D-CHARGES-DIFFER', cast(total_charges as varchar)
            from d left join sums using (account_no)
            where shape_ok and account_no <> '' and coalesce(unreadable, 0) = 0
                and abs(coalesce(charged, 0) - total_charges) > {rules.CHARGES_TOLERANCE}
                and row not in (select row from found)
            union all
            select 'discharges', row, '', 'D-LINE-QUARANTINED', ''
            from d join sums using (account_no) where broken_lines > 0 and account_no <> ''"""
        )
    con.execute("create temp table rejected as select row from d where broken union select row from found")
    con.execute(
        """create temp table fate as
        with kept as (select account_no from d anti join rejected using (row)),
        ordered as (select account_no, row_number() over (order by account_no) as k from kept)
        select account_no, max(k) as k
        from (select distinct account_no from d) left join ordered using (account_no) group by 1"""
    )
    if both:
        for which, accounts, rule, column, value in (
            ("account_no <> ''", "sums anti join fate using (account_no)", "C-NO-DISCHARGE", "account_no",
             "account_no"),
            ("account_no <> '' and not broken", "fate where k is null", "C-DISCHARGE-QUARANTINED", "", "''"),
        ):  # fmt: skip
            if _any(con, accounts):  # mostly none, and then the lines need not be read again
                con.execute(
                    f"""insert into found select 'charges', row, '{column}', '{rule}', {value}
                    from c where {which} and account_no in (select account_no from {accounts})"""
                )


def _any(con: duckdb.DuckDBPyConnection, source: str) -> bool:
    return con.execute(f"select 1 from {source} limit 1").fetchone() is not None


def find_errors(con: duckdb.DuckDBPyConnection, table: Table, cells: str, errors: list[Check]) -> None:
    """Name the rule, the column and the shape of the cell for every row that is broken by itself."""
    short = _SHORT[table.name]
    if not _any(con, f"{short} where broken"):
        return
    # Few rows as a rule, and many expressions: materialized, so that each is planned over plain columns.
    con.execute(
        f"""create temp table broken_{table.name} as
        select * from ({typed_sql(table, cells)}) where row in (select row from {short} where broken)"""
    )
    shape = Check(f"{errors[0].rule[0]}-ROW-SHAPE", "", "not shape_ok")
    asked = [shape, *(replace(check, sql=f"shape_ok and ({check.sql})") for check in errors)]
    typed = {column.name for column in table.columns if column.type != "text" or column.allowed}
    cases = []
    for check in asked:
        cell = f"{check.column}__raw" if check.column in typed else check.column or "''"
        said = f"{{'rule': '{check.rule}', 'column': '{check.column}', 'cell': {cell}}}"
        cases.append(f"case when {check.sql} then {said} end")
    con.execute(
        f"""insert into found
        select '{table.name}', row, found."column", found.rule, found.cell
        from (select row, unnest([{", ".join(cases)}]) as found from broken_{table.name}) where found is not null"""
    )


def count(
    con: duckdb.DuckDBPyConnection, tables: tuple[str, ...], d_warnings: list[Check], c_warnings: list[Check]
) -> Outcome:
    """Rows, dollars and rules, counted independently of one another so that they can be reconciled."""
    quarantined: dict[str, tuple[int, int]] = {}
    found: list[RuleCount] = []
    if _any(con, "found"):
        quarantined, found = _count_found(con)
    result: dict[str, TableCount] = {}
    more: dict[str, Any] = {}
    if "discharges" in tables:
        more |= _count_discharges(con, quarantined.get("discharges", (0, 0)), result, found, d_warnings)
    if "charges" in tables:
        more |= _count_charges(con, tables, quarantined.get("charges", (0, 0)), result, found, c_warnings)
    return Outcome(tables=result, rules=tuple(found), **more)


def _count_found(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, tuple[int, int]], list[RuleCount]]:
    """By file the rows quarantined and those of them that break a rule themselves; and every ERROR rule broken."""
    con.execute(
        f"""insert into findings
        select file, row, "column", rule, coalesce({redacted("value", '"column"')}, '') as value from found"""
    )
    follows = ", ".join(f"'{rule.id}'" for rule in rules.RULES.values() if rule.follows)
    counts = con.execute(
        f"""select file, count(distinct row), count(distinct row) filter (rule not in ({follows}))
        from findings group by 1"""
    ).fetchall()
    by_rule = con.execute(
        f"""select rule, file, "column", count(*), min(row, {_LISTED}) from findings
        group by all order by file desc, rule, "column\""""
    ).fetchall()
    return (
        {row[0]: (row[1], row[2]) for row in counts},
        [RuleCount(row[0], row[1], row[2], row[3], tuple(row[4])) for row in by_rule],
    )


def _count_discharges(
    con: duckdb.DuckDBPyConnection,
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    surgical = f"coalesce({DRG_CODE} in (select code from drgs where is_surgical), false)"
    row = _one(
        con,
        f"""select count(*), count(*) filter (kept), coalesce(sum(total_charges), 0),
            coalesce(sum(total_charges) filter (kept), 0), coalesce(sum(total_charges) filter (not kept), 0),
            count(*) filter (kept and (attending_npi is null or (is_surgical and operating_npi is null))),
            count(*) filter (kept and patient_id is null)
        from (select *, row not in (select row from rejected) as kept,
            {surgical} as is_surgical from d)""",
    )
    result["discharges"] = TableCount(row[0], row[1], *bad, *row[2:5])
    found += _warnings(
        con, "discharges", f"(select *, {surgical} as is_surgical from d anti join rejected using (row))", warnings
    )
    found += _cost_to_charge(con)
    return {"kept_discharges": row[1], "npi_missing": row[5], "patient_id_missing": row[6]}


def _count_charges(
    con: duckdb.DuckDBPyConnection,
    tables: tuple[str, ...],
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    # Without discharges beside them (a single file is checked) lines are kept unless broken by themselves.
    with_fate = "join fate using (account_no) where k is not null and not broken"
    kept = with_fate if "discharges" in tables else "where not broken"
    all_kept = not _any(con, "found")  # as a rule, and then the lines need not be read again
    con.execute(f"create temp table by_code as {'from all_codes' if all_kept else _by_code(f'c {kept}', warnings)}")
    read = _one(con, "select coalesce(sum(lines), 0), coalesce(sum(charged), 0) from sums")
    accepted = _one(
        con, f"select coalesce(sum(lines), 0), coalesce(sum(charged) filter ({_NOT_TOTAL}), 0) from by_code"
    )
    refused = (Decimal(0),)
    if bad[0]:
        refused = _one(
            con,
            f"""select coalesce(sum(charge) filter (revenue_code is null or {_NOT_TOTAL}), 0)
            from c where row in (select row from findings where file = 'charges')""",
        )
    result["charges"] = TableCount(int(read[0]), int(accepted[0]), *bad, read[1], accepted[1], refused[0])
    if _any(con, "by_code where list_sum(warned) > 0"):
        found += _warnings(con, "charges", f"(select c.* from c {kept})", warnings)
    unmapped = _one(
        con, f"select coalesce(sum(lines), 0) from by_code join codes using (revenue_code) where {_IS_UNMAPPED}"
    )
    if unmapped[0]:
        lines = _one(
            con,
            f"""select min(row, {_LISTED}) from c {kept}
            and revenue_code in (select revenue_code from codes where {_IS_UNMAPPED})""",
        )
        found.append(RuleCount("C-REVENUE-CODE-UNMAPPED", "charges", "revenue_code", int(unmapped[0]), tuple(lines[0])))
    centers = con.execute("select distinct rate_center from by_code join codes using (revenue_code)").fetchall()
    return {
        "kept_charges": int(accepted[0]),
        "unmapped": int(unmapped[0]),
        "rate_centers": tuple(sorted(center for (center,) in centers)),
    }


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None  # an aggregate always has a row
    return row


def _warnings(con: duckdb.DuckDBPyConnection, table: str, kept: str, checks: list[Check]) -> list[RuleCount]:
    counts = _one(con, f"select {', '.join(f'count(*) filter ({check.sql})' for check in checks)} from {kept}")
    met = [(check, rows) for check, rows in zip(checks, counts, strict=True) if rows]
    if not met:
        return []
    lines = _one(
        con, f"select {', '.join(f'min(row, {_LISTED}) filter ({check.sql})' for check, _ in met)} from {kept}"
    )
    return [
        RuleCount(check.rule, table, check.column, rows, tuple(first))
        for (check, rows), first in zip(met, lines, strict=True)
    ]


def _cost_to_charge(con: duckdb.DuckDBPyConnection) -> list[RuleCount]:
    low, high = rules.COST_TO_CHARGE_BOUNDS
    row = _one(
        con,
        f"""select count(*), min(row, {_LISTED}) from d anti join rejected using (row) join sums using (account_no)
        where total_charges > 0 and cost is not null
            and (cost < total_charges * {low} or cost > total_charges * {high})""",
    )
    return [RuleCount("D-COST-TO-CHARGE", "discharges", "total_charges", row[0], tuple(row[1]))] if row[0] else []
