"""What becomes of each row, in SQL: broken by itself, by what the two files owe each other, or by sharing a fate.

Belongs here: the working tables of a submission and their counts. Does not belong here: the checks (``edits``).

Tables, on the bench, for the submission judged last:
    d, c            rows typed, with ``broken``: by the row itself
    codes_met       distinct codes of d by kind (drg, grouper, disposition, npi): is_bad, is_surgical
    shared_ids      patient ids of d that come with several birth dates
    by_code, codes  charge lines by revenue code; the rate center and factor of each code
    credits         account_no, revenue_code whose lines come to less than zero
    sums            charge lines by account: lines, broken lines, charged (no total lines), unreadable charges, cost
    fate            accounts of ``d``: ``k`` (order of the account) where the discharge is kept, else null
    rejected        rows of d that are not kept
    findings        one row a broken ERROR rule: file, row, column, rule, value (redacted; ``found`` before that)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.intake.hospital import limits
from hcip_pipeline.intake.hospital.bench import CCN, Bench
from hcip_pipeline.intake.hospital.code_lists import WARNED, is_irregular
from hcip_pipeline.intake.hospital.cost_factors import ALL_RATE_CENTERS, UNMAPPED, CostMethod
from hcip_pipeline.intake.hospital.edits import (
    DRG_CODE,
    MARKS,
    NPI_FAILS,
    Check,
    any_of,
    redacted,
    typed_sql,
    unlisted,
    warned_columns,
)
from hcip_pipeline.intake.hospital.folders import Submission
from hcip_pipeline.intake.hospital.placeholders import is_placeholder
from hcip_pipeline.intake.hospital.receipts import RuleCount, Tally
from hcip_pipeline.rules.hospital import RULES

#: what a submission holds, by name
CONTRACTS = {table.name: table for table in (DISCHARGES, CHARGES)}

_SHORT = {"discharges": "d", "charges": "c"}
_LISTED = 10
_IS_UNMAPPED = f"rate_center = '{UNMAPPED}'"
_NOT_TOTAL = f"revenue_code <> '{limits.TOTAL_REVENUE_CODE}'"


@dataclass(frozen=True)
class TableCount:
    """Rows and dollars of one file; rows that repeat an earlier one byte for byte are counted apart."""

    read: int = 0
    accepted: int = 0
    quarantined: int = 0
    error_rows: int = 0
    dollars_read: Decimal = Decimal(0)
    dollars_accepted: Decimal = Decimal(0)
    dollars_quarantined: Decimal = Decimal(0)
    repeated: int = 0
    dollars_repeated: Decimal = Decimal(0)

    @property
    def tallies(self) -> tuple[Tally, Tally]:
        """Counts for discharges and charge lines."""
        rows = Tally(Decimal(self.read), Decimal(self.accepted), Decimal(self.quarantined))
        return rows, Tally(self.dollars_read, self.dollars_accepted, self.dollars_quarantined)


@dataclass(frozen=True)
class Outcome:
    """Counts over a submission; rates are of rows read.

    Attributes:
        discharges, charges: rows read that are rows, repeated ones apart.
        unmapped, unmapped_dollars, dollars: charge lines without a rate center, their dollars, and all dollars.
    """

    tables: dict[str, TableCount] = field(default_factory=dict)
    rules: tuple[RuleCount, ...] = ()
    rate_centers: tuple[str, ...] = ()
    discharges: int = 0
    charges: int = 0
    npi_missing: int = 0
    patient_id_missing: int = 0
    unmapped: int = 0
    unmapped_dollars: Decimal = Decimal(0)
    dollars: Decimal = Decimal(0)


def clear(bench: Bench, submission: Submission) -> None:
    """Forget the submission before."""
    bench.clear(submission)
    _make_findings(bench)


def restart(bench: Bench) -> None:
    """Forget what was found so far: the files are loaded, and their rows will be judged again."""
    bench.restart()
    _make_findings(bench)


def _make_findings(bench: Bench) -> None:
    bench.run('create table findings (file varchar, row bigint, "column" varchar, rule varchar, value varchar)')


def load(bench: Bench, table: Table, cells: str, errors: list[Check]) -> None:
    """Type every row of a file and mark the rows that are broken by themselves."""
    columns = [name for name in table.names if name != "hospital_ccn"]  # of a kept row it is the folder's
    columns += [f"({name}__raw <> '' and {name} is null) as {name}__unknown" for name in warned_columns(table)]
    if table.name == "discharges":
        columns += [f"coalesce({is_irregular(name)}, false) as {name}__irregular" for name in WARNED]
        columns.append("greatest(1, discharge_date - admit_date)::bigint as length_of_stay")
        columns.append(f"coalesce(hospital_ccn = {CCN}, false) as is_own")
    bench.run(
        f"create table {_SHORT[table.name]} as select row, {', '.join(columns)},"
        f" (not shape_ok or {any_of(errors)}) as broken, shape_ok from ({typed_sql(table, cells)})"
    )
    if table.name == "discharges":
        _look_up(bench)


def _look_up(bench: Bench) -> None:
    """Codes against their tables, each distinct code once."""
    ungroupable = ", ".join(f"'{drg}'" for drg in limits.UNGROUPABLE)
    bench.run(
        f"""create table codes_met as
        select 'drg' as kind, used.code as code, ref.code is null and apr_drg not in ({ungroupable}) as is_bad,
            coalesce(ref.is_surgical, false) as is_surgical
        from (select distinct apr_drg, {DRG_CODE} as code from d where apr_drg is not null and shape_ok) used
        left join ref_apr_drg ref using (code) where used.code is not null
        union all
        select distinct 'grouper', grouper_version, true, false from d
        where shape_ok and grouper_version <> '' and grouper_version not in (select grouper_version from ref_groupers)
            and apr_drg not in ({ungroupable})
        union all
        select distinct 'disposition', coalesce(discharge_disposition, ''), true, false from d
        where shape_ok and coalesce(discharge_disposition, '') not in (select code from ref_dispositions)
        union all
        select 'npi', npi, {NPI_FAILS}, false
        from (select attending_npi as npi from d union select operating_npi from d) where npi is not null"""
    )
    bench.run(
        """create table shared_ids as
        select patient_id from d where patient_id is not null and shape_ok
        group by 1 having min(birth_date) <> max(birth_date)"""
    )
    if bench.one("select coalesce(bool_or(is_bad), false) from codes_met where kind <> 'npi'")[0]:
        bench.run(
            f"""update d set broken = true where shape_ok and (coalesce({DRG_CODE} in {unlisted("drg")}, false)
            or coalesce(grouper_version in {unlisted("grouper")}, false)
            or coalesce(discharge_disposition, '') in {unlisted("disposition")})"""
        )


def price(
    bench: Bench,
    factors: dict[str, Decimal | None],
    warnings: list[Check],
    *,
    has_charges: bool,
    method: CostMethod,
) -> None:
    """Charge lines by revenue code and by account, and their cost where a factor is known (for a warning)."""
    if not has_charges:
        bench.run(
            "create table sums (account_no varchar, lines bigint, broken_lines bigint, unreadable bigint,"
            " charged decimal(38,2), cost decimal(38,10))"
        )
        bench.run("create table credits (account_no varchar, revenue_code varchar)")
        return
    known = {center: str(factor) for center, factor in factors.items() if factor is not None}
    bench.run(f"create table all_codes as {_by_code('c', warnings)}")
    nothing = f"select revenue_code from all_codes where {is_placeholder('revenue_code')}"
    if bench.one(f"select exists({nothing})")[0]:
        bench.run(f"update c set broken = true where revenue_code in ({nothing})")
    width = "cast(r.revenue_code_to as integer) - cast(r.revenue_code_from as integer)"
    bench.run(
        f"""create table codes as
        with factors as (select unnest($1::varchar[]) as rate_center, unnest($2::varchar[])::decimal(18,8) as factor),
        used as (select revenue_code from all_codes where {_NOT_TOTAL}),
        mapped as (
            select used.revenue_code, arg_min(r.rate_center, {width}) as rate_center
            from used join ref_revenue_codes r on length(used.revenue_code) = 4
                and used.revenue_code between r.revenue_code_from and r.revenue_code_to
            group by 1),
        centers as (
            select used.revenue_code, coalesce(mapped.rate_center, '{UNMAPPED}') as rate_center
            from used left join mapped using (revenue_code))
        select revenue_code, rate_center, coalesce(own.factor, whole.factor) as factor
        from centers left join factors own using (rate_center)
        left join factors whole on whole.rate_center = '{ALL_RATE_CENTERS}'""",
        [list(known), list(known.values())],
    )
    _net(bench)
    priced = method != "reported" and bool(known)
    bench.run(
        f"""create table sums as
        select account_no, count(*) as lines, count(*) filter (broken) as broken_lines,
            count(*) filter (charge is null) as unreadable,
            coalesce(sum(charge) filter (revenue_code is null or {_NOT_TOTAL}), 0) as charged,
            {"sum(cast(charge as decimal(38,2)) * factor)" if priced else "null::decimal(38,10)"} as cost
        from c {"left join codes using (revenue_code)" if priced else ""} group by account_no"""
    )


def _net(bench: Bench) -> None:
    """Credits are netted by account and revenue code; what comes to less than zero breaks its lines."""
    if not bench.one("select coalesce(min(least) < 0, false) from all_codes")[0]:  # mostly none
        bench.run("create table credits (account_no varchar, revenue_code varchar)")
        return
    bench.run(
        """create table credits as
        select account_no, revenue_code from c
        where account_no in (select account_no from c where charge < 0) and revenue_code is not null
        group by all having sum(charge) < 0"""
    )
    bench.run("update c set broken = true where (account_no, revenue_code) in (from credits)")


def _by_code(lines: str, warnings: list[Check]) -> str:
    flags = ", ".join(f"count(*) filter ({check.sql})" for check in warnings)
    counts = "count(*) as lines, coalesce(sum(charge), 0) as charged, min(charge) as least"
    counts += f", [{flags}] as warned"
    return f"select revenue_code, {counts} from {lines} group by 1"


def decide(bench: Bench, cells: Mapping[str, str], errors: Mapping[str, list[Check]]) -> bool:
    """Which discharges are kept, and with them which lines; whether any row is not.

    Args:
        cells, errors: of each file that is there, the SQL of its cells and the checks on its rows.
    """
    tables = [CONTRACTS[name] for name in cells]
    if "discharges" not in cells:
        bench.run(
            "create table fate (account_no varchar, k bigint);"
            ' create table found (file varchar, row bigint, "column" varchar, rule varchar, value varchar)'
        )
        broken = bench.one("select coalesce(bool_or(broken), false) from c")[0]
        if broken:
            find_errors(bench, tables[0], cells["charges"], errors["charges"])
        return bool(broken)
    both = len(cells) == 2
    owed = f"""union all
        select 'discharges', row, 'total_charges', 'D-CHARGES-DIFFER', cast(total_charges as varchar)
        from d left join sums using (account_no)
        where shape_ok and account_no <> '' and coalesce(unreadable, 0) = 0
            and abs(coalesce(charged, 0) - total_charges) > {limits.CHARGES_TOLERANCE}
            and account_no not in (select account_no from credits where account_no is not null)
            and row not in (select row from repeated)
        union all
        select 'discharges', row, '', 'D-LINE-QUARANTINED', ''
        from d join sums using (account_no) where broken_lines > 0 and account_no <> ''"""
    bench.run(
        f"""create table found as
        with repeated as (
            select row, account_no from d where shape_ok and is_own and account_no in (
                select account_no from d where shape_ok and is_own and account_no <> '' group by 1 having count(*) > 1))
        select 'discharges' as file, row, 'account_no' as "column", 'D-KEY-REPEATED' as rule, account_no as value
        from repeated {owed if both else ""}"""
    )
    bench.run("create table rejected as select row from d where broken union select row from found")
    bench.run(
        """create table fate as
        with decided as (select account_no, row not in (select row from rejected) as is_kept from d),
        ordered as (
            select account_no, is_kept, row_number() over (partition by is_kept order by account_no) as k from decided)
        select account_no, max(k) filter (is_kept) as k from ordered group by 1"""
    )
    of_lines = "exists(from c where broken), exists(from sums anti join fate using (account_no))"
    of_lines += ", exists(from fate where k is null)"
    any_found, any_d, any_c, orphans, shared = bench.one(
        f"select exists(from found), exists(from d where broken), {of_lines if both else 'false, false, false'}"
    )
    for is_met, which, accounts, rule, column, value in (
        (orphans, "account_no <> ''", "sums anti join fate using (account_no)", "C-NO-DISCHARGE", "account_no",
         "account_no"),
        (shared, "account_no <> '' and not broken", "fate where k is null", "C-DISCHARGE-QUARANTINED", "", "''"),
    ):  # fmt: skip
        if is_met:  # mostly none, and then the lines need not be read again
            bench.run(
                f"""insert into found select 'charges', row, '{column}', '{rule}', {value}
                from c where {which} and account_no in (select account_no from {accounts})"""
            )
    for table in tables:
        if any_d if table.name == "discharges" else any_c:
            find_errors(bench, table, cells[table.name], errors[table.name])
    return bool(any_found or any_d or any_c or orphans or shared)


def find_errors(bench: Bench, table: Table, cells: str, errors: list[Check]) -> None:
    """Name the rule, the column and the shape of the cell for every row that is broken by itself."""
    # Few rows as a rule, and many expressions: materialized, so that each is planned over plain columns.
    bench.run(
        f"""create table broken_{table.name} as
        select * from ({typed_sql(table, cells)}) where row in (select row from {_SHORT[table.name]} where broken)"""
    )
    shape = Check(f"{errors[0].rule[0]}-ROW-SHAPE", "", "not shape_ok")
    asked = [shape, *(replace(check, sql=f"shape_ok and ({check.sql})") for check in errors)]
    typed = {column.name for column in table.columns if column.type != "text" or column.allowed}
    cases = []
    for check in asked:
        cell = f"{check.column}__raw" if check.column in typed else check.column or "''"
        stated = f"{{'rule': '{check.rule}', 'column': '{check.column}', 'cell': {cell}}}"
        cases.append(f"case when {check.sql} then {stated} end")
    bench.run(
        f"""insert into found
        select '{table.name}', row, found."column", found.rule, found.cell
        from (select row, unnest([{", ".join(cases)}]) as found from broken_{table.name}) where found is not null"""
    )


def count(
    bench: Bench, tables: tuple[str, ...], d_warnings: list[Check], c_warnings: list[Check], *, any_found: bool
) -> Outcome:
    """Rows, dollars and rules, counted independently of one another so that they can be reconciled.

    Args:
        any_found: as :func:`decide` states.
    """
    quarantined: dict[str, tuple[int, int]] = {}
    rules_met: list[RuleCount] = []
    if any_found:
        quarantined, rules_met = _count_found(bench)
    result: dict[str, TableCount] = {}
    more: dict[str, Any] = {}
    if "discharges" in tables:
        more |= _count_discharges(bench, quarantined.get("discharges", (0, 0)), result, rules_met, d_warnings)
    if "charges" in tables:
        # Without discharges next to them (a single file is checked) lines are kept unless broken by themselves.
        with_fate = "join fate using (account_no) where k is not null and not broken"
        kept = with_fate if "discharges" in tables else "where not broken"
        by_code = "all_codes"
        if any_found:  # mostly not, and then the lines need not be read again
            bench.run(f"create table by_code as {_by_code(f'c {kept}', c_warnings)}")
            by_code = "by_code"
        more |= _count_charges(bench, by_code, kept, quarantined.get("charges", (0, 0)), result, rules_met, c_warnings)
    return Outcome(tables=result, rules=tuple(rules_met), **more)


def _count_found(bench: Bench) -> tuple[dict[str, tuple[int, int]], list[RuleCount]]:
    """By file the rows quarantined and those of them that break a rule themselves; and every ERROR rule broken."""
    bench.run(
        f"""insert into findings
        select file, row, "column", rule, coalesce({redacted("value", '"column"')}, '') as value from found"""
    )
    follows = ", ".join(f"'{rule.id}'" for rule in RULES.values() if rule.follows)
    counts = bench.run(
        f"""select file, count(distinct row), count(distinct row) filter (rule not in ({follows}))
        from findings group by 1"""
    ).fetchall()
    by_rule = bench.run(
        f"""select rule, file, "column", count(*), min(row, {_LISTED}) from findings
        group by all order by file desc, rule, "column\""""
    ).fetchall()
    return (
        {row[0]: (row[1], row[2]) for row in counts},
        [RuleCount(row[0], row[1], row[2], row[3], tuple(row[4])) for row in by_rule],
    )


def _count_discharges(
    bench: Bench,
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    low, high = limits.COST_TO_CHARGE_BOUNDS
    unlikely = f"total_charges > 0 and (cost < total_charges * {low} or cost > total_charges * {high})"
    asked = [*_met(bench, "d", warnings), Check("D-COST-TO-CHARGE", "total_charges", unlikely)]
    flags = ", ".join(f"{_asked_of(check.rule)} and ({check.sql}) as w{n}" for n, check in enumerate(asked))
    reported = ", ".join(f"count(*) filter (w{n}), min(row, {_LISTED}) filter (w{n})" for n in range(len(asked)))
    row = bench.one(
        f"""select count(*), count(*) filter (kept), coalesce(sum(total_charges), 0),
            coalesce(sum(total_charges) filter (kept), 0), coalesce(sum(total_charges) filter (not kept), 0),
            count(*) filter (shape_ok and (attending_npi is null or (is_surgical and operating_npi is null))),
            count(*) filter (shape_ok and patient_id is null), {reported}
        from (select *, {flags} from (
            select d.*, cost, row not in (select row from rejected) as kept,
                coalesce({DRG_CODE} in (select code from codes_met where kind = 'drg' and is_surgical), false)
                    as is_surgical
            from d left join sums using (account_no)))"""
    )
    result["discharges"] = TableCount(row[0], row[1], *bad, *row[2:5])
    found += [
        RuleCount(check.rule, "discharges", check.column, rows, tuple(lines))
        for check, rows, lines in zip(asked, row[7::2], row[8::2], strict=True)
        if rows
    ]
    return {"discharges": row[0], "npi_missing": row[5], "patient_id_missing": row[6]}


def _met(bench: Bench, table: str, warnings: list[Check]) -> list[Check]:
    """The checks but for those whose mark no row has: mostly all of them, and each costs more than one look at all."""
    marks = [check.sql for check in warnings if check.sql.endswith(MARKS)]
    found = bench.one(f"select {', '.join(f'coalesce(bool_or({mark}), false)' for mark in marks)} from {table}")
    unmet = {mark for mark, is_met in zip(marks, found, strict=True) if not is_met}
    return [check for check in warnings if check.sql not in unmet]


def _asked_of(rule: str) -> str:
    """The rows a warning is counted on: all that were read; what follows from several cells, on rows in order."""
    return "kept" if rule in ("D-STAY-LONG", "D-AGE", "D-COST-TO-CHARGE") else "shape_ok"


def _count_charges(
    bench: Bench,
    by_code: str,
    kept: str,
    bad: tuple[int, int],
    result: dict[str, TableCount],
    found: list[RuleCount],
    warnings: list[Check],
) -> dict[str, Any]:
    lines_read, dollars_read, accepted, dollars_accepted, centers = bench.one(
        f"""select (select coalesce(sum(lines), 0) from sums), (select coalesce(sum(charged), 0) from sums),
            coalesce(sum(lines), 0), coalesce(sum(charged) filter ({_NOT_TOTAL}), 0),
            coalesce(list(distinct rate_center) filter (rate_center is not null), [])
        from {by_code} left join codes using (revenue_code)"""
    )
    unmapped, unmapped_dollars, warned = bench.one(
        f"""select coalesce(sum(lines) filter ({_IS_UNMAPPED}), 0), coalesce(sum(charged) filter ({_IS_UNMAPPED}), 0),
            coalesce(bool_or(list_sum(warned) > 0), false)
        from all_codes left join codes using (revenue_code)"""
    )
    refused = (Decimal(0),)
    if bad[0]:
        refused = bench.one(
            f"""select coalesce(sum(charge) filter (revenue_code is null or {_NOT_TOTAL}), 0)
            from c where row in (select row from findings where file = 'charges')"""
        )
    result["charges"] = TableCount(int(lines_read), int(accepted), *bad, dollars_read, dollars_accepted, refused[0])
    if warned:
        found += _warnings(bench, "charges", "(from c where not broken)", warnings)
    if unmapped:
        rows, lines = bench.one(
            f"""select count(*), coalesce(min(row, {_LISTED}), []) from c
            where not broken and revenue_code in (select revenue_code from codes where {_IS_UNMAPPED})"""
        )
        if rows:
            found.append(RuleCount("C-REVENUE-CODE-UNMAPPED", "charges", "revenue_code", rows, tuple(lines)))
    return {
        "charges": int(lines_read),
        "unmapped": int(unmapped),
        "unmapped_dollars": unmapped_dollars,
        "dollars": dollars_read,
        "rate_centers": tuple(sorted(centers)),
    }


def _warnings(bench: Bench, table: str, kept: str, checks: list[Check]) -> list[RuleCount]:
    reported = ", ".join(f"count(*) filter ({c.sql}), min(row, {_LISTED}) filter ({c.sql})" for c in checks)
    row = bench.one(f"select {reported} from {kept}")
    return [
        RuleCount(check.rule, table, check.column, rows, tuple(lines))
        for check, rows, lines in zip(checks, row[::2], row[1::2], strict=True)
        if rows
    ]
