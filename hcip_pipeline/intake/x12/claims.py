"""What one bill says by itself: its facts and its charge lines.

Belongs here: from segments to bills, as SQL over whole tables. Does not belong here: what several bills of an account
mean together (``stays``).

Working tables of the database; every cell is text as the tables of a submission have it:
    raw_loops  one row per HL: row, id, parent, level, its subscriber's and its billing provider's HL, and what it says
    raw_bills  one row per claim: row, ordinal (in order of BHT04, file name, place), account_no, facility, frequency,
               total, dates, codes, physicians, patient, payer
    raw_lines  (a view) one row per charge line: row, claim, revenue_code, service_date, units, charge
    raw_faults rows of bills that cannot be taken as they are, or are worth a word: row, rule
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.payers import payer_sql
from hcip_pipeline.intake.x12.segments import COMPONENT, ELEMENT, element

#: The facility code of a hospital's inpatient bill (CLM05-1).
INPATIENT = "11"
#: Frequencies (CLM05-3) that mean something here.
FREQUENCIES = ("1", "2", "3", "4", "5", "7", "8")
#: Other diagnoses and procedures of the code set before ICD-10.
_ICD_9 = ("BK", "BF", "BR", "BQ")

_IN_CLAIM = "claim > section"
_BEFORE_OTHER_PAYERS = "coalesce(payer, 0) < claim and coalesce(service, 0) < claim"


def find_bills(database: SubmissionDatabase) -> None:
    """Make the tables of this module."""
    database.con.execute("create or replace table raw_faults (row bigint, rule varchar)")
    database.con.execute(f"create or replace table raw_loops as {_loops()}")
    database.con.execute(f"create or replace table raw_bills as {_bills()}")
    database.con.execute(f"create or replace view raw_lines as {_lines()}")
    database.con.execute(
        f"""insert into raw_faults
        select row, 'B-HIERARCHY' from raw_bills where not is_in_order
        union all select row, 'B-STATEMENT' from raw_bills
            where facility = '{INPATIENT}' and try_cast(last_day as date) < try_cast(first_day as date)
        union all select row, 'B-FREQUENCY' from raw_bills where frequency not in {FREQUENCIES}
        union all select row, 'B-ICD-9' from raw_bills where facility = '{INPATIENT}' and has_icd_9"""
    )


def day(text: str) -> str:
    """SQL of ``CCYYMMDD`` as a date of the tables; what is none stays as it is, and is judged."""
    return (
        f"case when regexp_full_match({text}, '[0-9]{{8}}') then"
        f" left({text}, 4) || '-' || substr({text}, 5, 2) || '-' || substr({text}, 7, 2) else {text} end"
    )


def _only(what: str, of: str) -> str:
    """SQL: the segment of its kind; where a file repeats what comes once, the same one in whatever order it is read."""
    return f"min({what}) filter ({of})"


def _loops() -> str:
    """The hierarchy: each HL with the newest subscriber and billing provider at or above it.

    A subscriber is below the newest billing provider and a patient below the newest subscriber; an HL that names
    another parent is not in order, and nothing is guessed.
    """
    party = f"(select row as party, {element(1)} as entity from raw_segments where id = 'NM1')"
    of_person = "entity in ('IL', 'QC')"
    return f"""
        with own as (
            select s.row, s.id, s.line, s.hl, s.st, case when s.party > s.hl then p.entity end as entity
            from raw_segments s left join {party} p using (party)
            where s.id in ('HL', 'DMG', 'N4', 'SBR', 'NM1') and s.hl = s.section and coalesce(s.claim, 0) < s.hl),
        loops as (
            select hl as row, any_value(st) as st,
                {_only("line", "id = 'HL'")} as hl_line, {_only("line", "id = 'SBR'")} as sbr,
                {_only("line", f"id = 'DMG' and {of_person}")} as dmg,
                {_only("line", f"id = 'N4' and {of_person}")} as n4,
                {_only("line", "id = 'NM1' and entity = '85'")} as billing
            from own group by hl),
        told as (
            select *, {element(1, "hl_line")} as id, {element(2, "hl_line")} as parent,
                {element(3, "hl_line")} as level from loops)
        select row, st, id, parent, level, sbr, dmg, n4, billing,
            max(case when level = '20' then row end) over w as billing_hl,
            max(case when level = '22' then row end) over w as subscriber_hl
        from told window w as (partition by st order by row)"""


def _bills() -> str:
    segment = "id = '{}' and {} = '{}'".format
    statement, admission = segment("DTP", element(1), "434"), segment("DTP", element(1), "435")
    physician = f"id = 'NM1' and {_BEFORE_OTHER_PAYERS} and {element(1)} = '{{}}'".format
    codes = f"string_agg(substr(line, 4), {ELEMENT} order by row) filter (id = 'HI')"
    period = element(3, "statement")
    person = "case when h.level = '23' then h.{0} else s.{0} end".format
    indicator = f"case when {element(1, 'sbr')} = 'P' then {element(9, 'sbr')} else {element(9, 'other_primary')} end"
    procedure = f"x[2] || case when x[4] <> '' then ':' || {day('x[4]')} else '' end"
    return f"""
        with own as (
            select row, id, line, claim, hl, st, payer, service from raw_segments
            where {_IN_CLAIM} and id in ('CLM', 'CL1', 'DTP', 'HI', 'NM1', 'SBR')
                and (id <> 'DTP' or substr(line, 5, 3) <> '472')),
        claims as (
            select claim as row, any_value(hl) as hl, any_value(st) as st, {_only("line", "id = 'CLM'")} as clm,
                {_only("line", "id = 'CL1'")} as cl1, {_only("line", statement)} as statement,
                {_only("line", admission)} as admission, {_only("line", physician("71"))} as attending,
                {_only("line", physician("72"))} as operating,
                {_only("line", segment("SBR", element(1), "P"))} as other_primary, {codes} as codes
            from own group by claim),
        transactions as (
            select st, {_only(element(4), "true")} as created from raw_segments where id = 'BHT' and st = section
            group by st),
        joined as (
            select c.*, h.level, h.id as hl_id, h.parent, s.id as subscriber_id, p.id as billing_id, s.parent as above,
                s.sbr, p.billing, {person("dmg")} as dmg, {person("n4")} as n4, coalesce(t.created, '') as created,
                list_transform(string_split(coalesce(codes, ''), {ELEMENT}), lambda x: string_split(x, {COMPONENT}))
                    as items
            from claims c left join raw_loops h on h.row = c.hl and h.st = c.st
            left join raw_loops s on s.row = h.subscriber_hl left join raw_loops p on p.row = h.billing_hl
            left join transactions t on t.st = c.st)
        select row, row_number() over (order by created, row) as ordinal,
            {element(1, "clm")} as account_no, {_amount(element(2, "clm"))} as total,
            split_part({element(5, "clm")}, {COMPONENT}, 1) as facility,
            split_part({element(5, "clm")}, {COMPONENT}, 3) as frequency,
            {day(f"left({element(3, 'admission')}, 8)")} as admit_date,
            {day(f"left({period}, 8)")} as first_day,
            {day(f"case when {element(2, 'statement')} = 'RD8' then split_part({period}, '-', 2) else {period} end")}
                as last_day,
            case {element(1, "cl1")} when '1' then '3' when '2' then '4' when '3' then '5' when '4' then '2'
                when '5' then '3' else coalesce({element(1, "cl1")}, '') end as nature_of_admission,
            {_padded(element(2, "cl1"))} as source_of_admission, {_padded(element(3, "cl1"))} as discharge_disposition,
            {_npi("attending")} as attending_npi, {_npi("operating")} as operating_npi,
            case when {element(1, "dmg")} = 'D8' then {day(element(2, "dmg"))}
                else coalesce({element(2, "dmg")}, '') end as birth_date,
            coalesce({element(3, "dmg")}, '') as sex, coalesce({element(3, "n4")}, '') as zip_code,
            {payer_sql(f"coalesce({indicator}, '')")} as primary_payer,
            coalesce({_items("x[1] = 'ABK'", "x[2]")}[1], '') as principal_diagnosis,
            array_to_string({_items("x[1] = 'ABF'", "x[2] || case when x[9] <> '' then ':' || x[9] else '' end")}, '|')
                as diagnoses,
            array_to_string({_items("x[1] in ('BBR', 'BBQ')", procedure)}, '|') as procedures,
            len(list_filter(items, lambda x: x[1] in {_ICD_9})) > 0 as has_icd_9,
            {_npi("billing")} as billing_npi,
            coalesce(above = billing_id and (level = '22' or (level = '23' and parent = subscriber_id)), false)
                as is_in_order
        from joined"""


def _items(which: str, what: str) -> str:
    """SQL of the codes of one kind."""
    return f"list_transform(list_filter(items, lambda x: {which}), lambda x: {what})"


def _npi(line: str) -> str:
    return f"case when {element(8, line)} = 'XX' then {element(9, line)} else '' end"


def _padded(code: str) -> str:
    """SQL of a code of two signs, of which bills have one."""
    return f"case when length({code}) = 1 then '0' || {code} else coalesce({code}, '') end"


def _amount(text: str) -> str:
    """SQL of an amount with two decimals; what is none, or has parts of a cent, stays as it is."""
    return (
        f"case when regexp_full_match({text}, '-?[0-9]{{1,16}}\\.[0-9]{{2}}') then {text}"
        f" when regexp_full_match({text}, '-?([0-9]{{1,16}}(\\.[0-9]{{0,2}}0*)?|\\.[0-9]{{1,2}}0*)')"
        f" then cast(cast({text} as decimal(18,2)) as varchar) else {text} end"
    )


def _lines() -> str:
    """Charge lines with the day of service, or else the first day of the statement."""
    units = element(5, "v.line")
    return f"""
        select v.row, v.claim, {element(1, "v.line")} as revenue_code,
            coalesce({day(f"left({element(3, 't.line')}, 8)")}, b.first_day) as service_date,
            case when regexp_full_match({units}, '[0-9]{{1,15}}\\.0*') then split_part({units}, '.', 1) else {units} end
                as units,
            {_amount(element(3, "v.line"))} as charge
        from raw_segments v join raw_bills b on b.row = v.claim
        left join (
            select service, min(line) as line from raw_segments
            where id = 'DTP' and substr(line, 5, 3) = '472' and service > claim and {_IN_CLAIM} group by service
        ) t on t.service = v.row
        where v.id = 'SV2' and v.claim > v.section"""
