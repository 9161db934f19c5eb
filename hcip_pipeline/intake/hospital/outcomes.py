"""What becomes of each row, in SQL: broken by itself, by what the two files owe each other, or by sharing a fate.

Belongs here: the working tables of a submission and their counts. Does not belong here: the checks (``edits``).

Tables, in the judge's connection, for the submission judged last:
    d, c            rows typed, with ``broken`` and one ``w<n>`` a warning
    sums            charge lines by account: lines, broken lines, charged (no total lines), unreadable charges, cost
    fate            accounts of ``d``: ``k`` (order of the account) where the discharge is kept, else null
    rejected        rows of d that are not kept
    findings        one row a broken ERROR rule: file, row, column, rule, value (redacted)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import rules
from hcip_pipeline.intake.hospital.cost_factors import ALL_RATE_CENTERS, UNMAPPED, CostMethod
from hcip_pipeline.intake.hospital.edits import Check, any_of, redacted, typed_sql
from hcip_pipeline.intake.hospital.receipts import RuleCount, Tally

_SHORT = {"discharges": "d", "charges": "c"}
_LISTED = 10


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
    for name in ("raw_discharges", "raw_charges", "d", "c", "sums", "codes", "fate", "rejected", "findings"):
        con.execute(f"drop table if exists {name}")


def load(con: duckdb.DuckDBPyConnection, table: Table, cells: str, errors: list[Check], warnings: list[Check]) -> None:
    """Type every row of a file and mark the broken ones."""
    typed = typed_sql(table, cells)
    columns = ", ".join(table.names)
    if table.name == "discharges":
        typed = (
            "select *, greatest(1, discharge_date - admit_date)::bigint as length_of_stay, coalesce("
            f"(grouper_version || ' ' || apr_drg) in (select code from ref_apr_drg where is_surgical), false) as is_surgical from ({typed})"
        )
        columns += ", length_of_stay, is_surgical"
    flags = ", ".join(f"coalesce({check.sql}, false) as w{n}" for n, check in enumerate(warnings))
    con.execute(
        f"create temp table {_SHORT[table.name]} as select row, {columns}, {flags},"
        f" (not shape_ok or {any_of(errors)}) as broken, shape_ok from ({typed})"
    )


def price(
    con: duckdb.DuckDBPyConnection, factors: dict[str, Decimal | None], *, has_charges: bool, method: CostMethod
) -> None:
    """Charge lines by account, and their cost where a factor is known (for the cost-to-charge warning)."""
    con.execute("create temp table codes (revenue_code varchar, rate_center varchar, factor decimal(18,8))")
    con.execute(
        "create temp table sums (account_no varchar, lines bigint, broken_lines bigint, unreadable bigint,"
        " charged decimal(38,2), cost decimal(38,2))"
    )
    if not has_charges:
        return
    con.execute("create or replace temp table factors (rate_center varchar, factor decimal(18,8))")
    known = [(center, factor) for center, factor in factors.items() if factor is not None]
    if known:
        con.executemany("insert into factors values (?, ?)", known)
    con.execute(
        f"""insert into codes
        with used as (select distinct revenue_code from c where revenue_code <> '{rules.TOTAL_REVENUE_CODE}'),
        mapped as (
            select used.revenue_code,
                arg_min(r.rate_center, cast(r.revenue_code_to as integer) - cast(r.revenue_code_from as integer)) as rate_center
            from used join ref_revenue_codes r on length(used.revenue_code) = 4
                and used.revenue_code between r.revenue_code_from and r.revenue_code_to
            group by 1)
        select used.revenue_code, coalesce(mapped.rate_center, '{UNMAPPED}'), coalesce(own.factor, whole.factor)
        from used left join mapped using (revenue_code)
        left join factors own on own.rate_center = coalesce(mapped.rate_center, '{UNMAPPED}')
        left join factors whole on whole.rate_center = '{ALL_RATE_CENTERS}'"""
    )
    cost = "null" if method == "reported" or not known else "sum(c.charge * codes.factor)"
    join = "" if cost == "null" else "left join codes using (revenue_code)"
    con.execute(
        f"""insert into sums
        select account_no, count(*), count(*) filter (broken), count(*) filter (charge is null),
            coalesce(sum(charge) filter (revenue_code is null or revenue_code <> '{rules.TOTAL_REVENUE_CODE}'), 0), {cost}
        from c {join} group by account_no"""
    )


def decide(con: duckdb.DuckDBPyConnection, *, both: bool, tables: tuple[str, ...]) -> None:
    """Which discharges are kept, and with them which lines."""
    con.execute('create temp table findings (file varchar, row bigint, "column" varchar, rule varchar, value varchar)')
    if "discharges" not in tables:
        con.execute("create temp table fate (account_no varchar, k bigint)")
        return
    con.execute(
        """insert into findings
        select 'discharges', row, 'account_no', 'D-KEY-REPEATED', redact.value
        from d join (select account_no, hospital_ccn, """
        + redacted("account_no")
        + """ as value from d
            where shape_ok and account_no <> '' group by all having count(*) > 1) redact using (account_no, hospital_ccn)
        where shape_ok"""
    )
    if both:
        con.execute(
            f"""insert into findings
            select 'discharges', row, 'total_charges', 'D-CHARGES-DIFFER', {redacted("cast(total_charges as varchar)")}
            from d left join sums using (account_no)
            where shape_ok and account_no <> '' and coalesce(unreadable, 0) = 0
                and abs(coalesce(charged, 0) - total_charges) > {rules.CHARGES_TOLERANCE}
                and row not in (select row from findings)
            union all
            select 'discharges', row, '', 'D-LINE-QUARANTINED', ''
            from d join sums using (account_no) where broken_lines > 0 and account_no <> ''"""
        )
    con.execute(
        """create temp table rejected as
        select row from d where broken union select row from findings"""
    )
    con.execute(
        """create temp table fate as
        with kept as (select account_no, row from d anti join rejected using (row)),
        ordered as (select account_no, row_number() over (order by account_no) as k from kept)
        select account_no, max(k) as k from (select distinct account_no from d) left join ordered using (account_no) group by 1"""
    )
    if both:
        con.execute(
            f"""insert into findings
            select 'charges', row, 'account_no', 'C-NO-DISCHARGE', {redacted("account_no")}
            from c anti join fate using (account_no) where account_no <> ''
            union all
            select 'charges', row, '', 'C-DISCHARGE-QUARANTINED', ''
            from c join fate using (account_no) where k is null and not broken and account_no <> ''"""
        )


def find_errors(con: duckdb.DuckDBPyConnection, table: Table, cells: str, errors: list[Check]) -> None:
    """Name the rule, the column and the shape of the cell for every row that is broken by itself."""
    short = _SHORT[table.name]
    prefix = errors[0].rule[0]
    if not (con.execute(f"select count(*) from {short} where broken").fetchone() or (0,))[0]:
        return
    raw = {
        column.name: f"{column.name}__raw" if column.type != "text" or column.allowed else column.name
        for column in table.columns
    }
    cases = [f"case when not shape_ok then {{'rule': '{prefix}-ROW-SHAPE', 'column': '', 'value': ''}} end"]
    for check in errors:
        value = f"coalesce({redacted(raw[check.column])}, '')" if check.column else "''"
        cases.append(
            f"case when shape_ok and ({check.sql}) then {{'rule': '{check.rule}', 'column': '{check.column}', 'value': {value}}} end"
        )
    con.execute(
        f"""insert into findings
        select '{table.name}', row, found.column, found.rule, found.value
        from (select row, unnest(list_filter([{", ".join(cases)}], lambda f: f is not null)) as found
            from (select * from ({typed_sql(table, cells)}) where row in (select row from {short} where broken)))"""
    )


def count(
    con: duckdb.DuckDBPyConnection, tables: tuple[str, ...], d_warnings: list[Check], c_warnings: list[Check]
) -> Outcome:
    """Rows, dollars and rules, counted independently of one another so that they can be reconciled."""
    follows = ", ".join(f"'{rule.id}'" for rule in rules.RULES.values() if rule.follows)
    counts = con.execute(
        f"""select file, count(distinct row), count(distinct row) filter (rule not in ({follows})) from findings group by 1"""
    ).fetchall()
    quarantined = {row[0]: row[1:] for row in counts}
    found = [
        RuleCount(r[3], r[0], r[1], r[2], tuple(r[4]))
        for r in con.execute(
            f'select file, "column", count(*), rule, min(row, {_LISTED}) from findings group by all order by file desc, rule, "column"'
        ).fetchall()
    ]
    result: dict[str, TableCount] = {}
    extra: dict[str, Any] = {}
    if "discharges" in tables:
        row = con.execute(
            """select count(*), count(*) filter (kept), coalesce(sum(total_charges), 0),
                coalesce(sum(total_charges) filter (kept), 0), coalesce(sum(total_charges) filter (not kept), 0),
                count(*) filter (kept and (attending_npi is null or (is_surgical and operating_npi is null))),
                count(*) filter (kept and patient_id is null)
            from (select *, rejected.row is null as kept from d left join rejected on d.row = rejected.row)"""
        ).fetchone()
        assert row is not None
        bad = quarantined.get("discharges", (0, 0))
        result["discharges"] = TableCount(row[0], row[1], bad[0], bad[1], row[2], row[3], row[4])
        extra |= {"kept_discharges": row[1], "npi_missing": row[5], "patient_id_missing": row[6]}
        found += _warnings(con, "discharges", "d anti join rejected using (row)", d_warnings)
        found += _cost_to_charge(con)
    if "charges" in tables:
        extra |= _count_charges(con, tables, quarantined.get("charges", (0, 0)), result, found, c_warnings)
    return Outcome(tables=result, rules=tuple(found), **extra)


def _count_charges(
    con: duckdb.DuckDBPyConnection,
    tables: tuple[str, ...],
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    # Without discharges beside them (a single file is checked) lines are kept unless broken by themselves.
    kept = (
        "join fate using (account_no) where k is not null and not broken"
        if "discharges" in tables
        else "where not broken"
    )
    total = f"revenue_code = '{rules.TOTAL_REVENUE_CODE}'"
    row = con.execute(
        f"""select count(*), coalesce(sum(charge) filter (revenue_code is null or not {total}), 0) from c"""
    ).fetchone()
    by_code = con.execute(
        f"""create or replace temp table by_code as
        select revenue_code, count(*) as lines, coalesce(sum(charge), 0) as charged from c {kept} group by 1"""
    )
    accepted = by_code.execute(
        f"select coalesce(sum(lines), 0), coalesce(sum(charged) filter (not {total}), 0) from by_code"
    ).fetchone()
    unmapped = con.execute(
        f"""select revenue_code, lines from by_code join codes using (revenue_code)
        where rate_center = '{UNMAPPED}' order by lines desc, revenue_code"""
    ).fetchall()
    centers = con.execute(
        "select distinct rate_center from by_code join codes using (revenue_code) order by 1"
    ).fetchall()
    quarantined_dollars = con.execute(
        f"""select coalesce(sum(charge) filter (revenue_code is null or not {total}), 0) from c
        where row in (select row from findings where file = 'charges')"""
    ).fetchone()
    assert row is not None and accepted is not None and quarantined_dollars is not None
    result["charges"] = TableCount(
        row[0], int(accepted[0]), bad[0], bad[1], row[1], accepted[1], quarantined_dollars[0]
    )
    found += _warnings(con, "charges", f"(select c.* from c {kept})", warnings)
    if unmapped:
        lines = con.execute(
            f"""select min(row, {_LISTED}) from c {kept} and revenue_code in
            (select revenue_code from codes where rate_center = '{UNMAPPED}')"""
        ).fetchone()
        found.append(
            RuleCount(
                "C-REVENUE-CODE-UNMAPPED",
                "charges",
                "revenue_code",
                sum(n for _, n in unmapped),
                tuple(lines[0] if lines else ()),
            )
        )
    return {
        "kept_charges": int(accepted[0]),
        "unmapped": sum(n for _, n in unmapped),
        "rate_centers": tuple(center for (center,) in centers),
    }


def _warnings(con: duckdb.DuckDBPyConnection, table: str, kept: str, checks: list[Check]) -> list[RuleCount]:
    cells = ", ".join(f"count(*) filter (w{n}), min(row, {_LISTED}) filter (w{n})" for n in range(len(checks)))
    row = con.execute(f"select {cells} from {kept}").fetchone()
    assert row is not None
    return [
        RuleCount(check.rule, table, check.column, row[2 * n], tuple(row[2 * n + 1]))
        for n, check in enumerate(checks)
        if row[2 * n]
    ]


def _cost_to_charge(con: duckdb.DuckDBPyConnection) -> list[RuleCount]:
    low, high = rules.COST_TO_CHARGE_BOUNDS
    row = con.execute(
        f"""select count(*), min(row, {_LISTED}) from d anti join rejected using (row) join sums using (account_no)
        where total_charges > 0 and cost is not null
            and (cost < total_charges * {low} or cost > total_charges * {high})"""
    ).fetchone()
    assert row is not None
    return [RuleCount("D-COST-TO-CHARGE", "discharges", "total_charges", row[0], tuple(row[1]))] if row[0] else []
