"""The contents of a single bill: its facts and its charge lines.

Belongs here: from segments to bills, as SQL over whole tables. Does not belong here: what several bills of an account
mean together (``stays``), and bills that give a fact twice or in the wrong place (``oddities``).

Working tables of the database; every cell is text, in the form that the tables of a submission use:
    raw_loops  one row per HL: row, id, parent, level, its subscriber's and its billing provider's HL, and its contents
    raw_bills  one row per claim: row, st (its transaction set), is_dated (BHT04 is a date), ordinal (in order of BHT04,
               file name, position; those without a date come first), account_no, facility, frequency,
               total, dates, codes, physicians, patient, payer
    raw_faults rows of bills that cannot be accepted, or that need a remark: row, rule
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.payers import marked, payer_sql
from hcip_pipeline.intake.x12.segments import (
    CLAIM,
    COMPONENT,
    COMPONENT_SIGN,
    ELEMENT,
    LEVEL,
    REPETITION,
    SEGMENT,
    SEGMENT_SIGN,
    beginning,
    begins,
    day,
    element,
    owned_by,
)

#: The facility code of a hospital's inpatient bill (CLM05-1).
INPATIENT = "11"
#: SQL: the facility code is valid and not an inpatient one; an invalid code does not prove another kind of bill.
ELSEWHERE = f"(facility <> '{INPATIENT}' and regexp_full_match(facility, '[1-9][0-9]'))"
#: Frequencies (CLM05-3) that are understood.
FREQUENCIES = ("1", "2", "3", "4", "5", "7", "8")
#: CL101 -> nature of admission
_NATURES = {"1": "3", "2": "4", "3": "5", "4": "2", "5": "3", "9": "9"}
#: Kinds of code for diagnoses and procedures in ICD-9.
_ICD_9 = ("BK", "BF", "BR", "BQ")
#: Kinds of code that are read, and those that are valid but not needed: admitting diagnosis, reason for the visit,
#: external cause, the payer's DRG, occurrences, values, conditions, treatments, and the same in ICD-9.
_KINDS = (
    "ABK", "ABF", "BBR", "BBQ", "ABJ", "APR", "ABN", "DR", "BI", "BH", "BE", "BG", "TC", *_ICD_9, "BJ", "PR", "BN",
    "CAH",
)  # fmt: skip


def find_bills(database: SubmissionDatabase) -> None:
    """Make the tables of this module."""
    database.run("create or replace table raw_faults (row bigint, rule varchar)")
    database.run(f"create or replace table raw_loops as {_loops()}")
    database.run(f"create or replace table raw_bills as {_bills()}")
    database.run(
        f"""insert into raw_faults
        select row, 'B-HIERARCHY' from raw_bills where not is_in_order
        union all select row, 'B-STATEMENT' from raw_bills
            where facility = '{INPATIENT}' and try_cast(last_day as date) < try_cast(first_day as date)
        union all select row, 'B-FACILITY' from raw_bills where facility <> '{INPATIENT}' and not {ELSEWHERE}
        union all select row, 'B-FREQUENCY' from raw_bills where frequency not in {FREQUENCIES}
        union all select row, 'B-REPEATED' from raw_bills where is_repeated
        union all select row, 'B-MISPLACED' from raw_bills where is_misplaced
        union all select row, 'B-ICD-9' from raw_bills where facility = '{INPATIENT}' and has_icd_9
        union all select row, 'B-CODE-KIND' from raw_bills where facility = '{INPATIENT}' and has_unknown_kind"""
    )


def _only(name: str, of: str) -> str:
    """SQL: the segment of a kind as ``name``; if there are several, the last by its text as ``other_<name>``."""
    return f"min(line) filter ({of}) as {name}, max(line) filter ({of}) as other_{name}"


def _differ(*names: str) -> str:
    """SQL: there are several different segments of one of the kinds."""
    return "(" + " or ".join(f"{name} <> other_{name}" for name in names) + ")"


def _loops() -> str:
    """The hierarchy: each HL with the newest subscriber and billing provider at or above it.

    A subscriber is below the newest billing provider and a patient below the newest subscriber; an HL that names
    another parent is out of order, and nothing is guessed.
    """
    # The newest party so far: none (0), the subscriber or patient (2), someone else (1).
    party = f"""max(case when id = 'HL' then row * 4
        when id = 'NM1' then row * 4 + case when {begins("NM1", "IL")} or {begins("NM1", "QC")} then 2 else 1 end end)
        over (rows between unbounded preceding and current row) & 3"""
    misplaced = "(id = 'DMG' and party <> 2) or (id = 'N4' and party = 0)"
    return f"""
        with own as (
            select id, line, owner >> 2 as hl, {party} as party from raw_segments
            where {owned_by(LEVEL)} and id in ('HL', 'DMG', 'N4', 'SBR', 'NM1')),
        loops as (
            select hl as row, {_only("sbr", "id = 'SBR'")}, {_only("dmg", "id = 'DMG' and party = 2")},
                {_only("n4", "id = 'N4' and party = 2")}, {_only("billing", begins("NM1", "85"))},
                bool_or({misplaced}) as has_misplaced
            from own group by hl),
        levels as (
            select l.row, l.st, o.sbr, o.dmg, o.n4, o.billing,
                coalesce({_differ("sbr", "dmg", "n4", "billing")}, false) as is_repeated, {element(1, "l.line")} as id,
                {element(2, "l.line")} as parent, {element(3, "l.line")} as level,
                has_misplaced or (sbr is not null and level <> '22') or (billing is not null and level <> '20')
                    as is_misplaced
            from raw_levels l left join loops o using (row) where l.id = 'HL')
        select *, max(case when level = '20' then row end) over w as billing_hl,
            max(case when level = '22' then row end) over w as subscriber_hl
        from levels window w as (partition by st order by row)"""


def _bills() -> str:
    period = element(3, "statement")
    person = "case when h.level = '23' then h.{0} else s.{0} end".format
    indicator = f"case when {element(1, 'sbr')} = 'P' then {element(9, 'sbr')} else {element(9, 'other_primary')} end"
    diagnosis = "x[2] || case when x[9] <> '' then ':' || x[9] else '' end"
    procedure = f"x[2] || case when x[4] <> '' then ':' || {day('x[4]')} else '' end"
    return f"""
        with claims as (
            select row, split_part(line, {SEGMENT}, 1) as clm, {_of_claim("cl1", "CL1")},
                {_of_claim("statement", "DTP", "434")}, {_of_claim("admission", "DTP", "435")},
                {_of_claim("attending", "NM1", "71")}, {_of_claim("operating", "NM1", "72")},
                list_transform(string_split(line, '{SEGMENT_SIGN}{beginning("HI")}')[2:],
                    lambda x: split_part(x, {SEGMENT}, 1)) as parts_with_codes,
                replace(array_to_string(parts_with_codes, {ELEMENT}), {REPETITION}, {ELEMENT}) as codes
            from (select row, line || {SEGMENT} as line from raw_units where owner = row * 4 + {CLAIM})),
        primaries as (
            select owner >> 2 as row, {_only("other_primary", begins("SBR", "P"))} from raw_segments
            where id = 'SBR' and {owned_by(CLAIM)} group by 1),
        transactions as (
            select owner >> 2 as st, {_only("bht", "true")} from raw_segments where id = 'BHT' group by 1),
        ordered as (
            select row, hl, st, bht <> other_bht as is_repeated, made is not null as is_dated,
                row_number() over (order by made nulls first, row) as ordinal
            from raw_levels left join (select *, {_date_made(element(4, "bht"))} as made from transactions) using (st)
            where id = 'CLM'),
        joined as (
            select c.*, v.ordinal, v.st, v.is_dated, o.other_primary, o.other_other_primary,
                h.level, h.id as hl_id, h.parent, s.id as subscriber_id, p.id as billing_id, s.parent as above,
                s.sbr, p.billing, {person("dmg")} as dmg, {person("n4")} as n4,
                v.is_repeated or h.is_repeated or s.is_repeated or p.is_repeated as is_repeated,
                coalesce(h.is_misplaced or s.is_misplaced or p.is_misplaced, false) as is_misplaced,
                string_split(codes, {ELEMENT}) as items
            from claims c join ordered v using (row) left join raw_loops h on h.row = v.hl
            left join raw_loops s on s.row = h.subscriber_hl left join raw_loops p on p.row = h.billing_hl
            left join primaries o on o.row = c.row),
        with_kinds as (select *, {_of_kind("ABK")} as principals, {_of_kind("BBR")} as first_procedures from joined)
        select row, ordinal, st, is_dated,
            {element(1, "clm")} as account_no, {_amount(element(2, "clm"))} as total,
            split_part({element(5, "clm")}, {COMPONENT}, 1) as facility,
            split_part({element(5, "clm")}, {COMPONENT}, 3) as frequency,
            {day(f"left({element(3, 'admission')}, 8)")} as admit_date,
            {day(f"left({period}, 8)")} as first_day,
            {day(f"case when {element(2, 'statement')} = 'RD8' then split_part({period}, '-', 2) else {period} end")}
                as last_day,
            {_nature(f"coalesce({element(1, 'cl1')}, '')")} as nature_of_admission,
            {_padded(element(2, "cl1"))} as source_of_admission, {_padded(element(3, "cl1"))} as discharge_disposition,
            {_npi("attending")} as attending_npi, {_npi("operating")} as operating_npi,
            case when {element(1, "dmg")} = 'D8' then {day(element(2, "dmg"))}
                else coalesce({element(2, "dmg")}, '') end as birth_date,
            coalesce({element(3, "dmg")}, '') as sex, coalesce({element(3, "n4")}, '') as zip_code,
            {payer_sql(f"coalesce({indicator}, '')")} as primary_payer,
            coalesce(split_part(principals[1], {COMPONENT}, 2), '') as principal_diagnosis,
            {_items(diagnosis, "ABF")} as diagnoses, {_items(procedure, "BBR", "BBQ")} as procedures,
            regexp_matches(codes, '{_any_code(*_ICD_9)}') as has_icd_9,
            not regexp_full_match(codes, '{_only_kinds(*_KINDS)}') as has_unknown_kind,
            is_misplaced, coalesce(is_repeated, false)
                or is_other_cl1 or is_other_statement or is_other_admission or is_other_attending or is_other_operating
                or coalesce({_differ("other_primary")}, false)
                or {_several("principals")} or {_several("first_procedures")}
                or coalesce({element(1, "sbr")} = 'P' and {element(9, "sbr")} <> {element(9, "other_primary")}, false)
                as is_repeated,
            {_npi("billing")} as billing_npi,
            coalesce(above = billing_id and (level = '22' or (level = '23' and parent = subscriber_id)), false)
                as is_in_order
        from with_kinds"""


def _date_made(text: str) -> str:
    """SQL for the date of ``CCYYMMDD``; null if it is not a date."""
    return f"case when regexp_full_match({text}, '[0-9]{{8}}') then try_strptime({text}, '%Y%m%d')::date end"


def _of_claim(name: str, *begin: str) -> str:
    """SQL over a claim's line ending in a separator: its segment with this beginning, and whether others differ."""
    start = beginning(*begin)
    sign = f"'{SEGMENT_SIGN}{start}'"
    all_alike = f"list_distinct(list_filter(string_split(line, {SEGMENT}), lambda x: starts_with(x, '{start}')))"
    found = f"'{start}' || split_part(split_part(line, {sign}, 2), {SEGMENT}, 1)"
    return f"""case when split_part(line, {sign}, 2) <> '' then {found} end as {name},
        case when split_part(line, {sign}, 3) <> '' then len({all_alike}) > 1 else false end as is_other_{name}"""


def _items(what: str, *kinds: str) -> str:
    """SQL for the codes of some kinds, as a list; kinds without a code are skipped."""
    which = " or ".join(f"starts_with(x, '{kind}{COMPONENT_SIGN}')" for kind in kinds)
    codes = f"list_transform(list_filter(items, lambda x: {which}), lambda x: string_split(x, {COMPONENT}))"
    return f"array_to_string(list_transform({codes}, lambda x: {what}), '|')"


def _of_kind(kind: str) -> str:
    """SQL for all items of a kind, with and without a code."""
    return f"list_filter(items, lambda x: x = '{kind}' or starts_with(x, '{kind}{COMPONENT_SIGN}'))"


def _several(items: str) -> str:
    """SQL: there are several different codes of a kind that a claim may have only once."""
    return f"case when len({items}) > 1 then len(list_distinct({items})) > 1 else false end"


def _any_code(*kinds: str) -> str:
    """Pattern of codes that include one of these kinds."""
    return rf"(^|\x1f)({'|'.join(kinds)})(\x1e|\x1f|$)"


def _only_kinds(*kinds: str) -> str:
    """Pattern of codes that are all of these kinds, or empty."""
    code = rf"({'|'.join(kinds)}|)(\x1e[^\x1f]*)?"
    return rf"{code}(\x1f{code})*"


def _npi(line: str) -> str:
    return f"case when {element(8, line)} = 'XX' then {element(9, line)} else '' end"


def _nature(code: str) -> str:
    """SQL for our code of a type of admission (CL101), with or without leading zeros.

    An unknown code is marked and reported, because it might be one of our codes with another meaning.
    """
    cases = " ".join(f"when '{theirs}' then '{ours}'" for theirs, ours in _NATURES.items())
    return f"case ltrim({code}, '0') {cases} else case when {code} = '' then '' else {marked(code)} end end"


def _padded(code: str) -> str:
    """SQL for a two-character code, of which bills have one character."""
    return f"case when length({code}) = 1 then '0' || {code} else coalesce({code}, '') end"


def _amount(text: str) -> str:
    """SQL for an amount with two decimals; fractions of a cent and anything else are left unchanged."""
    pattern = r"-?([0-9]{1,16}(\.[0-9]{0,2}0*)?|\.[0-9]{1,2}0*)"
    return (
        f"case when {text}[-3] = '.' and {text}[-4] between '0' and '9' then {text}"  # most have two decimals
        f" when regexp_full_match({text}, '{pattern}') then cast(cast({text} as decimal(18,2)) as varchar)"
        f" else {text} end"
    )


def dollars_of(amount: str) -> str:
    """SQL for an amount of a working table in dollars; null if it is not written as the tables' cells must be."""
    return f"case when regexp_full_match({amount}, '-?[0-9]{{1,16}}[.][0-9]{{2}}') then {amount}::decimal(18,2) end"


def lines_of(bills: str) -> str:
    """SQL for the charge lines of bills, with the day of service or else the first day of the statement.

    Args:
        bills: a query of the bills: row, account_no, first_day.
    """
    is_whole = "contains(units, '.') and regexp_full_match(units, '[0-9]{1,15}\\.0*')"
    return f"""
        select v.row, b.row as claim, b.account_no, coalesce(v.revenue_code, '') as revenue_code,
            coalesce(nullif(v.day, ''), b.first_day) as service_date,
            coalesce(case when {is_whole} then split_part(units, '.', 1) else units end, '') as units,
            coalesce({_amount("v.charge")}, '') as charge
        from raw_services v join ({bills}) b on b.row = v.owner >> 2"""
