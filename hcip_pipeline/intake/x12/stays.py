"""Several bills of one account as one stay: bills that add up, replace or void each other.

Belongs here: which bills count, and which of a stay's facts come from which bill. Does not belong here: the contents of
a single bill (``claims``).

The bills of an account are read in order (BHT04, file name, position). Frequency 7 replaces the bills before it, and 8
voids them and itself. Complete bills (1, 7) and interim ones (2, 3, 4) make stays, and late charges (5) add to them.
Two complete bills of which neither replaces or voids the other become two rows with the same key, which the edits of
every submission reject. The first and the last bill of a stay are determined by the days of their statements, then by
that order: the last one tells how the stay ended.

Working tables of the database:
    raw_standing    row and outcome of every bill: counted, replaced, voided, void (the frequency 8 itself), void of
                    nothing, not inpatient, still a patient
    raw_stays       the cells of ``discharges`` without the grouper's; row is the claim's segment
    raw_charges     the cells of ``charges``; row is the line's segment
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.receipts import BillCount
from hcip_pipeline.intake.hospital.submission_database import CCN, SubmissionDatabase
from hcip_pipeline.intake.x12.claims import ELSEWHERE, dollars_of, lines_of
from hcip_pipeline.rules.bills import BILL_RULES

#: Patient status (CL103): still a patient.
STILL_A_PATIENT = "30"

#: Outcomes of bills, as a receipt names them.
COUNTED, REPLACED, VOIDED, VOID, LONE_VOID, NOT_INPATIENT, STAYS_ON = (
    "counted", "replaced", "voided", "void", "void of nothing", "not inpatient", "still a patient",
)  # fmt: skip

#: SQL: no bill of the stay ends it.
_WAITS = f"(discharge_disposition = '{STILL_A_PATIENT}' and last_frequency in ('2', '3', '7') and not has_end)"
_ERRORS = tuple(rule.id for rule in BILL_RULES if rule.severity == "ERROR")
_WHOLE = "frequency not in ('2', '3', '4', '5')"


def find_stays(database: SubmissionDatabase) -> tuple[BillCount, ...]:
    """Make the tables of this module; return the number of bills by outcome."""
    database.run(f"insert into raw_faults {_resets_of_others()}")
    database.run(f"create or replace table raw_standing as {_standing()}")
    database.run(f"create or replace table raw_stays as {_stays()}")
    database.run(
        f"""update raw_standing set outcome = '{STAYS_ON}' where row in (
            select b.row from raw_standing b join raw_stays s on s.account_key = b.account_key and s.part = b.part
            where {_WAITS} and b.outcome = '{COUNTED}')"""
    )
    database.run(f"delete from raw_stays where {_WAITS}")
    database.run(f"insert into raw_faults {_contradictions()}")
    database.run(
        f"""insert into raw_faults
        select row, 'B-LATE-ALONE' from raw_stays where last_frequency = '5'
        union all select row, 'B-LATE-MOVES' from raw_stays where last_frequency <> '5' and late_moves
        union all select row, 'B-LATE-DIFFERS' from raw_stays where last_frequency <> '5' and late_differs
        union all select row, 'B-LAST-MISSING' from raw_stays
            where last_frequency in ('2', '3') and not has_end and discharge_disposition <> ''
        union all select row, 'B-BILLS-DIFFER' from raw_stays where bills_differ
        union all select row, 'B-STATUS' from raw_stays where discharge_disposition = '{STILL_A_PATIENT}'
        union all
        select s.row, f.rule from raw_faults f join raw_standing b on b.row = f.row
        join raw_stays s on s.account_key = b.account_key and s.part = b.part
        where b.outcome = 'counted' and f.row <> s.row"""
    )
    counted = f"""select b.row, b.account_no, b.first_day from raw_bills b join raw_standing s using (row)
        where s.outcome = '{COUNTED}'"""
    database.run(
        f"""create or replace table raw_charges as
        select row, {CCN} as hospital_ccn, account_no, revenue_code, service_date, units, charge
        from ({lines_of(counted)})"""
    )
    database.run("drop view raw_services; drop table raw_units")
    rows = database.run(
        f"select outcome, count(*), coalesce(sum({dollars_of('total')}), 0)"
        " from raw_standing group by outcome order by outcome"
    ).fetchall()
    return tuple(BillCount(outcome, count, dollars) for outcome, count, dollars in rows)


def resets_that_differ(database: SubmissionDatabase) -> list[tuple[str, int, int]]:
    """Bills of frequency 7 and 8 that do not match the bills they replace or void.

    All earlier bills of the account are replaced or voided. A void must have their days and their amount, with or
    without late charges; a replacement must have their days.

    Returns:
        For each rule that is broken, the number of bills and the row of the first.
    """
    rows = database.run(
        f"""with pairs as (
            select r.row, r.frequency, r.first_day, r.last_day, {dollars_of("r.total")} as total,
                min(b.first_day) filter (b.frequency <> '5') as first_before,
                max(b.last_day) filter (b.frequency <> '5') as last_before,
                sum({dollars_of("b.total")}) as total_before,
                sum({dollars_of("b.total")}) filter (b.frequency <> '5') as total_without_late
            from raw_standing s join raw_bills b using (row) join raw_bills r on r.row = s.reset_by
            where s.frequency <> '8' group by all)
        select case frequency when '8' then 'B-VOID-DIFFERS' else 'B-REPLACED-DIFFERS' end as rule, count(*), min(row)
        from pairs
        where first_day <> first_before or last_day <> last_before
            or (frequency = '8' and total <> total_before and total <> total_without_late)
        group by rule order by rule"""
    ).fetchall()
    return [(rule, int(count), int(row)) for rule, count, row in rows]


def _standing() -> str:
    """A bill's outcome depends on the next bill that replaces or voids; a bill without an account stands by itself.

    A bill that breaks a rule by itself replaces and voids nothing: it stays with the others and is quarantined.
    """
    faulty = f"select row from raw_faults where rule in {_ERRORS}"
    return f"""
        with keyed as (
            select *, case when account_no = '' then 'row ' || row else 'account ' || account_no end as account_key,
                frequency in ('7', '8') and row not in ({faulty}) as is_reset
            from raw_bills),
        inpatient as (select * from keyed where not {ELSEWHERE}),
        resets as (
            select *, count(case when is_reset then 1 end) over w as epoch,
                row_number() over w as place from inpatient
            window w as (partition by account_key order by ordinal)),
        decided as (
            select r.*, n.frequency as next_frequency, n.row as reset_by from resets r
            left join resets n on n.account_key = r.account_key and n.epoch = r.epoch + 1
                and n.is_reset),
        standing as (
            select *, case when is_reset and frequency = '8' and place = 1 then '{LONE_VOID}'
                when is_reset and frequency = '8' then '{VOID}'
                when next_frequency = '7' then '{REPLACED}' when next_frequency = '8' then '{VOIDED}'
                else '{COUNTED}' end as outcome from decided)
        select row, ordinal, account_key, account_no, frequency, total, outcome, reset_by,
            case when {_WHOLE} then greatest(1, count(case when {_WHOLE} and outcome = '{COUNTED}' then 1 end) over (
                partition by account_key, outcome order by ordinal)) else 1 end as part
        from standing
        union all
        select row, ordinal, account_key, account_no, frequency, total, '{NOT_INPATIENT}', null, 1
        from keyed where {ELSEWHERE}"""


def _resets_of_others() -> str:
    """Bills of frequency 7 and 8 whose patient differs from that of the bills they replace or void."""
    other = "nullif(r.{0}, '') <> nullif(b.{0}, '')".format
    return f"""
        with resets as (select distinct account_no from raw_bills where frequency in ('7', '8') and account_no <> ''),
        bills as (
            select *, count(case when frequency in ('7', '8') then 1 end) over (
                partition by account_no order by ordinal) as epoch
            from raw_bills where not {ELSEWHERE} and account_no in (from resets))
        select distinct r.row, 'B-OTHER-PATIENT' from bills b join bills r
            on r.account_no = b.account_no and r.epoch = b.epoch + 1 and r.frequency in ('7', '8')
        where {other("birth_date")} or {other("sex")}"""


def _contradictions() -> str:
    """Bills of one stay that cannot be combined: statements over the same days, repeated late charges, days without a
    bill, and bills of different patients.

    A statement may begin on the day on which the previous one ends.
    """
    day = "try_cast({0} as date)".format
    return f"""
        with counted as (
            select s.account_key, s.part, b.row, b.ordinal, b.frequency, b.first_day, b.last_day, b.total,
                count(distinct nullif(birth_date, '')) over stay as birth_dates,
                count(distinct nullif(sex, '')) over stay as sexes
            from raw_standing s join raw_bills b using (row)
            join (select account_key, part, bills from raw_stays) t on t.account_key = s.account_key and t.part = s.part
            where s.outcome = '{COUNTED}' and (t.bills > 1 or b.frequency in ('3', '4'))
            window stay as (partition by s.account_key, s.part)),
        statements as (
            select *, lag(last_day) over w as before, max(case when frequency = '1' then 1 else 0 end) over (
                partition by account_key, part) as has_whole
            from counted where frequency <> '5'
            window w as (partition by account_key, part order by first_day, ordinal))
        select distinct b.row, 'B-SAME-DAYS' from counted a join counted b
            on a.account_key = b.account_key and a.part = b.part and a.ordinal < b.ordinal
        where case when a.frequency = '5' or b.frequency = '5'
            then (a.frequency, a.total, a.first_day, a.last_day) = (b.frequency, b.total, b.first_day, b.last_day)
            else (a.first_day < b.last_day and b.first_day < a.last_day)
                or (a.first_day, a.last_day) = (b.first_day, b.last_day) end
        union all
        select row, 'B-OTHER-PATIENT' from counted where birth_dates > 1 or sexes > 1
        union all
        select row, 'B-DAYS-MISSING' from statements where case when before is null then frequency in ('3', '4')
            else has_whole = 1 or {day("first_day")} > {day("before")} + 1 end"""


def _earlier(name: str) -> str:
    """SQL: the day of late charges is before that of the bills they belong to."""
    first = f"min({name}) filter ({{}} and {name} <> '')".format
    return f"coalesce({first('late > 0')} < {first('late = 0')}, false)"


def _stays() -> str:
    # Late charges say little about the stay: they are the last choice when a fact is taken from one bill.
    first = "arg_min({0}, place + late) filter ({0} <> '')".format
    last = "coalesce(arg_max({0}, place - late) filter ({0} <> ''), '')".format
    stays_own = "coalesce(arg_max({0}, place) filter (late = 0 and {0} <> ''), '')".format
    others = " or ".join(
        f"coalesce(bool_or(late > 0 and {name} <> '') and not (min({name}) filter (late > 0 and {name} <> '')"
        f" = {stays_own(name)} and max({name}) filter (late > 0 and {name} <> '') = {stays_own(name)}), false)"
        for name in ("attending_npi", "operating_npi", "principal_diagnosis")
    )
    from_last = (
        "birth_date", "sex", "zip_code", "primary_payer", "principal_diagnosis", "diagnoses", "procedures",
    )  # fmt: skip
    from_first = ("nature_of_admission", "source_of_admission")
    cells = ", ".join(
        [f"{last(name)} as {name}" for name in from_last]
        + [f"{stays_own(name)} as {name}" for name in ("attending_npi", "operating_npi")]
        + [f"coalesce({first(name)}, '') as {name}" for name in from_first]
    )
    disposition = "coalesce(arg_max(discharge_disposition, place) filter (discharge_disposition <> ''), '')"
    amount = dollars_of("total")
    stated = "late = 0 and {0} not in ('', '" + STILL_A_PATIENT + "')"
    differ = " or ".join(
        f"coalesce(min({name}) filter ({stated}) <> max({name}) filter ({stated}), false)".format(name)
        for name in ("attending_npi", "principal_diagnosis", "discharge_disposition")
    )
    return f"""
        with counted as (
            select s.account_key, s.part, b.*, case when b.frequency = '5' then {1 << 60} else 0 end as late,
                coalesce(date_diff('day', date '1800-01-01', try_cast(b.last_day as date)), 0) * {1 << 32} + b.ordinal
                    as place
            from raw_standing s join raw_bills b using (row) where s.outcome = '{COUNTED}')
        select account_key, part, arg_min(row, place + late) as row, any_value(account_no) as account_no,
            count(*) as bills, arg_max(frequency, place - late) as last_frequency,
            coalesce(min(admit_date) filter (admit_date <> ''), '') as admit_date,
            coalesce(max(last_day) filter (last_day <> ''), '') as discharge_date,
            {disposition} as discharge_disposition, {cells},
            case when count({amount}) < count(*) then arg_min(total, row) filter ({amount} is null)
                else cast(sum({amount}) as varchar) end as total_charges,
            coalesce(max(billing_npi), '') as billing_npi,
            bool_or(frequency in ('1', '4')
                or (frequency = '7' and discharge_disposition not in ('', '{STILL_A_PATIENT}'))) as has_end,
            coalesce(max(last_day) filter (late > 0) > max(last_day) filter (late = 0), false)
                or coalesce({last("discharge_disposition")} <> {disposition}, false)
                or {_earlier("first_day")} or {_earlier("admit_date")} as late_moves,
            {others} as late_differs,
            {differ} or coalesce(
                min(admit_date) filter (late = 0 and admit_date <> '')
                <> max(admit_date) filter (late = 0 and admit_date <> ''), false) as bills_differ
        from counted group by account_key, part"""
