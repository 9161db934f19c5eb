"""The segments that matter, each with what it belongs to, and whether the envelope accounts for all of them.

Belongs here: loops, sections and control counts, as SQL over the copy of ``envelope``. Does not belong here: the
contents of a claim (``claims``).

Charge lines are most of a file: a line that has only its segment and its day stays whole, and its segments never become
separate rows. Segments are numbered across all files.

Working tables of the database:
    raw_files     files of bills: name, first_row (number of its first segment), file_no
    raw_units     lines of the copy: row (number of the first segment), line, owner, is_plain (a plain charge line, of
                  which line is the segment SV2 and day_line the segment DTP*472)
    raw_segments  segments that matter, without those of plain charge lines, and with only CLM of plain claims:
                  row (number), id, line, owner, part
    raw_services  (a view) charge lines (SV2): row, owner, revenue_code, charge, units, day (as a date of the tables)
    raw_levels    ST, HL and CLM with the number of their transaction set (st) and level (hl)

Positions are segment numbers with a kind in the lowest two bits, so that the newest is the largest:
    owner         the newest CLM, HL or other section (ISA, GS, ST, SE, GE, IEA): see ``owned_by``
    part          the line of the copy: the owner's own, another payer (SBR), or a charge line (LX): see ``in_part``
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from hcip_pipeline.files.received import bytes_in_words
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12 import envelope
from hcip_pipeline.intake.x12.envelope import BillFile
from hcip_pipeline.rules.problem import Problem

#: The separators in the copy.
ELEMENT_SIGN, COMPONENT_SIGN, REPETITION_SIGN, SEGMENT_SIGN = (
    sign.decode() for sign in (envelope.ELEMENT, envelope.COMPONENT, envelope.REPETITION, envelope.SEGMENT)
)
#: SQL of the separators: literals, because function calls would be bound hundreds of times.
ELEMENT, COMPONENT, REPETITION, SEGMENT = (
    f"'{sign}'" for sign in (ELEMENT_SIGN, COMPONENT_SIGN, REPETITION_SIGN, SEGMENT_SIGN)
)
#: Versions of the institutional claim that are read.
VERSIONS = ("005010X223A2", "005010X223A3")

#: Kinds of owner that a segment can have.
SECTION, LEVEL, CLAIM = 0, 1, 2
#: Parts of the owner that a segment can be in.
OWN, OTHER_PAYER, SERVICE = 0, 1, 2

_ENVELOPE = ("ISA", "GS", "ST", "SE", "GE", "IEA")
_READ = (*_ENVELOPE, "HL", "BHT", "SBR", "NM1", "N4", "DMG", "CLM", "CL1", "DTP", "HI", "SV2")
#: Segments of the institutional claim, and between interchanges' headers, that are not read.
_UNUSED = (
    "LX", "N3", "OI", "K3", "REF", "PRV", "PER", "PAT", "AMT", "HCP", "NTE", "PWK", "CRC", "CAS", "CUR", "CN1", "MIA",
    "MOA", "QTY", "LIN", "CTP", "SVD", "TA1",
)  # fmt: skip
#: Segments that have a meaning only in a claim.
_OF_CLAIM = ("CL1", "DTP", "HI", "SV2")
#: Days of a statement, of an admission and of a service.
DAYS = ("434", "435", "472")
#: Other days of the institutional claim: hour of discharge, received by a repricer, adjudication.
_OTHER_DAYS = ("096", "050", "573")
#: Segments that a plain claim may have before its charge lines: none in the wrong place, none unknown.
_PLAIN = (
    "HI",
    "NM1",
    "N4",
    "CL1",
    "DTP\x1f096",
    "DTP\x1f434",
    "DTP\x1f435",
    *(name for name in _UNUSED if name != "LX"),
)
#: Segments that are read from every claim, the most frequent first.
_OFTEN = ("HI", "NM1", "N4", "CLM", "HL", "SBR", "DMG", "CL1")
#: Segment of the envelope -> the segments that may come before it.
_FOLLOWS = {"ISA": ("IEA", ""), "GS": ("ISA", "GE"), "ST": ("GS", "SE"), "SE": ("ST",), "GE": ("SE",), "IEA": ("GE",)}
LONGEST_LINE = 2 * 1024 * 1024
_SO_FAR = "over (rows between unbounded preceding and current row)"


def element(number: int, line: str = "line") -> str:
    """SQL for an element of a segment, counted from 1; empty if there is none."""
    return f"split_part({line}, {ELEMENT}, {number + 1})"


def day(text: str) -> str:
    """SQL for ``CCYYMMDD`` as a date of the tables; anything else is left unchanged and judged later."""
    return rf"regexp_replace({text}, '^([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})$', '\1-\2-\3')"


def begins(*elements: str, line: str = "line") -> str:
    """SQL: a segment has this name and these first elements."""
    return f"starts_with({line}, '{beginning(*elements)}')"


def beginning(*elements: str) -> str:
    """A segment's name and first elements as the copy has them."""
    return "".join(f"{text}{ELEMENT_SIGN}" for text in elements)


def owned_by(kind: int) -> str:
    """SQL: the segment's owner is of this kind, such as a claim (or a level before any claim)."""
    return f"owner & 3 = {kind}"


def in_part(kind: int) -> str:
    """SQL: the segment is in this part of its owner."""
    return f"part & 3 = {kind}"


def load_segments(database: SubmissionDatabase, copy: Path, files: list[BillFile]) -> list[Problem]:
    """Load the copy of all files and check it against their envelopes; return the problems found."""
    total = sum(file.segments for file in files)
    database.run(
        "create or replace table raw_files as select unnest($1::varchar[]) as name, unnest($2::bigint[]) as first_row,"
        " unnest(range(len($1::varchar[]))) as file_no",
        [[file.name for file in files], [file.first + 1 for file in files]],
    )
    try:
        database.run(_units_sql(has_repetitions=any(file.has_repetitions for file in files)), [str(copy)])
        database.run(_segments_sql())
        last = database.one("select coalesce(sum(segments), 0) from raw_units")[0]
    except duckdb.InvalidInputException:  # the engine's message quotes the line
        last = -1
    if last != total:
        return _unreadable(copy, files)
    database.run(
        f"create or replace table raw_envelope as select row, id, line from raw_segments where id in {_ENVELOPE}"
    )
    problems = [*_order(database), *_versions(database), *_counts(database)]
    if not problems:
        database.run(_levels_sql())
        database.run(_services_sql())
        problems = [*_outside_claims(database), *_unknown(database)]
    return problems


def _unreadable(copy: Path, files: list[BillFile]) -> list[Problem]:
    """The first loop that is longer than a line of the copy may be."""
    row = 1
    with copy.open("rb") as lines:
        for line in lines:
            if len(line) >= LONGEST_LINE:
                file = next(file for file in reversed(files) if file.first < row)
                words = f"segment {row - file.first} begins a loop of more than {bytes_in_words(LONGEST_LINE)}"
                return [Problem("F-TOO-LARGE", words, file=file.name, row=row - file.first)]
            row += line.count(envelope.SEGMENT) + 1
    return [Problem("F-UNREADABLE", "the files cannot be read as segments", file=file.name) for file in files[:1]]


def _units_sql(*, has_repetitions: bool) -> str:
    """Lines of the copy in one pass, each with its owner.

    Windows over rows in their stored order are streamed: nothing is sorted.
    """
    kind = f"""case when {begins("LX")} or {begins("SBR")} then null when {begins("CLM")} then {CLAIM}
        when {begins("HL")} then {LEVEL} else {SECTION} end"""
    plain = f"""segments between 2 and 3 and {begins("SV2", line="parts[2]")}
        and (segments = 2 or {begins("DTP", "472", line="parts[3]")}) and {begins("LX")}"""
    if has_repetitions:
        plain += f" and not contains(line, {REPETITION})"
    return f"""create or replace table raw_units as
        select row, segments, owner, looks_plain and coalesce(owner & 3 = {CLAIM}, false) as is_plain,
            case when is_plain then service else line end as line, case when is_plain then day_line end as day_line
        from (
            select *, max(row * 4 + kind) {_SO_FAR} as owner from (
                select *, cast(sum(cast(segments as integer)) {_SO_FAR} as bigint) - segments + 1 as row from (
                    select line, segments, {kind} as kind, {plain} as looks_plain, parts[2] as service,
                        parts[3] as day_line
                    from (
                        select line, parts, len(parts) as segments from (
                            select line, string_split(line, {SEGMENT}) as parts
                            from read_csv(?, auto_detect=false, delim='\x01', quote='', escape='', header=false,
                                columns={{'line': 'varchar'}}, compression='none', max_line_size={LONGEST_LINE},
                                null_padding=false))))))"""


def _segments_sql() -> str:
    """The segments that matter, one per row, without those of plain charge lines, and with only CLM of plain claims."""
    days = " or ".join(begins("DTP", day) for day in DAYS)
    other_days = " or ".join(begins("DTP", day) for day in _OTHER_DAYS)
    # Constants, the most frequent first: this is evaluated for every segment.
    often = " ".join(f"when {begins(name)} then '{name}'" for name in _OFTEN)
    unused = " or ".join(begins(name) for name in _UNUSED)
    return f"""create or replace table raw_segments as
        select row, id, line, owner, part from (
            select row + place - 1 as row, line, owner, part,
                case {often} when {begins("DTP")} then case when {days} then 'DTP' when {other_days} then null
                    else 'DTP' end when {unused} then null
                    else rtrim(left(line, 3), {ELEMENT}) end as id
            from (
                select row, owner, unnest(lines) as line, generate_subscripts(lines, 1) as place,
                    row * 4 + case unit when 'LX' then {SERVICE} when 'SBR' then {OTHER_PAYER} else {OWN} end as part
                from (
                    select row, owner, case when {_is_plain_claim()} then [split_part(line, {SEGMENT}, 1)]
                        else string_split(line, {SEGMENT}) end as lines, split_part(line, {ELEMENT}, 1) as unit
                    from raw_units where not is_plain)))
        where id is not null"""


def _is_plain_claim() -> str:
    """SQL: a line of the copy is a claim of which no segment before the charge lines has to be examined separately."""
    plain = f"CLM\\x1f[^\\x1c]*(\\x1c({'|'.join(_PLAIN)})\\x1f[^\\x1c]*)*"
    return f"{begins('CLM')} and regexp_full_match(line, '{plain}') and not contains(line, {REPETITION})"


def _levels_sql() -> str:
    newest = f"max(case id when 'ST' then row end) {_SO_FAR}"
    level = f"max(case id when 'ST' then row * 2 when 'HL' then row * 2 + 1 end) {_SO_FAR}"
    return f"""create or replace table raw_levels as
        select row, id, line, st, case when level & 1 = 1 then level // 2 end as hl
        from (
            select row, id, line, {newest} as st, {level} as level from raw_segments where id in ('ST', 'HL', 'CLM'))"""


def _services_sql() -> str:
    """Charge lines; if one is not plain, its day is taken from the segments of its loop.

    There are few days and many lines, so each day is read once.
    """
    return f"""create or replace view raw_services as
        select row, owner, e[2] as revenue_code, e[4] as charge, e[6] as units, day from (
            select row + 1 as row, owner, string_split(line, {ELEMENT}) as e, day
            from raw_units left join (
                select day_line, {day(f"left({element(3, 'day_line')}, 8)")} as day
                from (select distinct day_line from raw_units where is_plain)
            ) d using (day_line)
            where is_plain
            union all
            select s.row, owner, string_split(line, {ELEMENT}), {day("left(day, 8)")}
            from raw_segments s left join (
                select part, min({element(3)}) as day from raw_segments
                where id = 'DTP' and {begins("DTP", "472")} and {in_part(SERVICE)} group by 1
            ) d using (part)
            where id = 'SV2')"""


def _problem(database: SubmissionDatabase, rule: str, message: str, row: int) -> Problem:
    """A problem of the segment with this overall number; it names the file and the segment's number in it."""
    name, number = database.run(
        "select name, $1 - first_row + 1 from raw_files where first_row <= $1 order by first_row desc limit 1", [row]
    ).fetchone() or ("", row)
    return Problem(rule, f"segment {number}: {message}", file=name, row=number)


def _order(database: SubmissionDatabase) -> list[Problem]:
    """The first segment without a valid name, or in a place where the envelope does not allow it."""
    strange = database.run(
        f"""select row from raw_segments
        where not starts_with(line, id || {ELEMENT})
            or (id not in {_READ} and not regexp_full_match(id, '[A-Z][A-Z0-9]{{1,2}}')) order by row limit 1"""
    ).fetchone()
    if strange is not None:
        return [_problem(database, "B-ENVELOPE", "does not begin with the name of a segment", strange[0])]
    after = " or ".join(
        f"(id = '{name}' and before in ({', '.join(repr(text) for text in allowed)}))"
        for name, allowed in _FOLLOWS.items()
    )
    row = database.run(
        f"""select row, id, before from (
            select row, id, coalesce(lag(id) over (order by row), '') as before from raw_envelope)
        where not ({after}) order by row limit 1"""
    ).fetchone()
    if row is not None:
        before = f"follows {row[2]}" if row[2] else "is the first of the envelope"
        return [_problem(database, "B-ENVELOPE", f"{row[1]} {before}", row[0])]
    outside = database.run(
        f"""with gaps as (
            select row, next from (
                select row, id, lead(row) over (order by row) as next from raw_envelope)
            where id <> 'ST' and next > row + 1)
        select s.row, s.id from gaps g join raw_segments s on s.row > g.row and s.row < g.next
        where s.id in {("HL", "BHT", "SBR", "DMG", "CLM", *_OF_CLAIM)} order by 1 limit 1"""
    ).fetchone()
    if outside is not None:
        return [_problem(database, "B-ENVELOPE", f"{outside[1]} is outside ST and SE", outside[0])]
    return []


def _outside_claims(database: SubmissionDatabase) -> list[Problem]:
    """The first segment that belongs in a claim but is outside any: the claim's own segment is missing or damaged."""
    row = database.run(
        f"select row, id from raw_segments where id in {_OF_CLAIM} and not {owned_by(CLAIM)} order by row limit 1"
    ).fetchone()
    if row is None:
        return []
    return [_problem(database, "B-OUTSIDE-CLAIM", f"{row[1]} is outside any claim (CLM)", row[0])]


def _unknown(database: SubmissionDatabase) -> list[Problem]:
    """Segments that institutional claims do not use."""
    count, row = database.one(f"select count(*), min(row) from raw_segments where id not in {_READ}")
    if not count:
        return []
    words = f"{'the first of ' * (count > 1)}{count:,} segment{'s' * (count > 1)} that institutional claims do not use"
    return [_problem(database, "B-SEGMENT-UNKNOWN", words, row)]


def _versions(database: SubmissionDatabase) -> list[Problem]:
    """The first header of anything other than institutional claims in a version that is read."""
    wrong = f"""select row, case when id = 'ST' then 'ST03' else 'GS08' end,
            case when id = 'ST' then {element(3)} else {element(8)} end as version,
            case when id = 'ST' then {element(1)} <> '837' else {element(1)} <> 'HC' end as is_other, id, {element(1)}
        from raw_envelope where id in ('GS', 'ST') and (version not in {VERSIONS}
            or (id = 'ST' and {element(1)} <> '837') or (id = 'GS' and {element(1)} <> 'HC'))
        order by row limit 1"""
    row = database.run(wrong).fetchone()
    if row is None:
        return []
    number, name, found, is_other, segment, kind = row
    allowed = " or ".join(VERSIONS)
    if is_other:
        name, found, allowed = f"{segment}01", kind, "837" if segment == "ST" else "HC"
    if found and not (found.isascii() and found.isalnum() and len(found) <= 12):
        found = "something else"
    return [_problem(database, "B-VERSION", f"{name} is {found or 'empty'}, not {allowed}", number)]


def _counts(database: SubmissionDatabase) -> list[Problem]:
    """The first trailer whose count is wrong, or whose control number differs from its header's."""
    same = "ltrim({}, '0') = ltrim({}, '0')".format
    row = database.run(
        f"""with envelope as (
            select row, id, line, lag(row) over (order by row) as before, lag(line) over (order by row) as line_before,
                count(case when id = 'ST' then 1 end) over w as sets,
                count(case when id = 'GS' then 1 end) over w as groups,
                max(case when id = 'GS' then row end) over w as gs, max(case when id = 'ISA' then row end) over w as isa
            from raw_envelope window w as (order by row)),
        trailers as (
            select t.row, t.id, {element(1, "t.line")} as stated, {element(2, "t.line")} as number,
                case t.id when 'SE' then t.row - t.before + 1 when 'GE' then t.sets - h.sets
                    else t.groups - h.groups end as counted,
                case t.id when 'SE' then {element(2, "t.line_before")} when 'GE' then {element(6, "h.line")}
                    else {element(13, "h.line")} end as number_before
            from envelope t left join envelope h on h.row = case t.id when 'GE' then t.gs else t.isa end
            where t.id in ('SE', 'GE', 'IEA'))
        select row, id, stated, counted, {same("number", "number_before")} from trailers
        where try_cast(stated as bigint) is distinct from counted or not {same("number", "number_before")}
        order by row limit 1"""
    ).fetchone()
    if row is None:
        return []
    kinds = {"SE": "segments", "GE": "transaction sets", "IEA": "groups"}
    header = {"SE": "ST02", "GE": "GS06", "IEA": "ISA13"}[row[1]]
    if not row[4]:
        return [
            _problem(database, "B-CONTROL", f"{row[1]}02 is not the control number of its header ({header})", row[0])
        ]
    stated = row[2] if row[2].isdigit() and row[2].isascii() and len(row[2]) <= 10 else "not a number"
    words = f"{row[1]}01 is {stated}, but the number of {kinds[row[1]]} is {row[3]:,}"
    return [_problem(database, "B-CONTROL", words, row[0])]
