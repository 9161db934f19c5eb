"""The segments that matter, each with what it belongs to; and whether the envelope accounts for all of them.

Belongs here: loops, sections and control counts, as SQL over the copy of ``envelope``. Does not belong here: what a
claim says (``claims``).

Working tables of the database:
    raw_files     files of bills: name, first_row (number of its first segment), file_no
    raw_segments  segments that matter: row (number among all segments), id, line, and as of that segment the numbers
                  of the newest section (ISA, GS, ST, HL, SE, GE, IEA), st, hl, claim (CLM), payer (SBR), service (SV2)
                  and party (NM1)
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.envelope import BillFile
from hcip_pipeline.rules.problem import Problem

#: SQL of the separators in the copy.
ELEMENT, COMPONENT = "chr(31)", "chr(30)"
#: Versions of the institutional claim that are read.
VERSIONS = ("005010X223A2", "005010X223A3")

_ENVELOPE = ("ISA", "GS", "ST", "SE", "GE", "IEA")
_SECTIONS = (*_ENVELOPE, "HL")
_KEPT = (*_SECTIONS, "BHT", "SBR", "NM1", "N4", "DMG", "CLM", "CL1", "DTP", "HI", "SV2")
#: Days of a statement, of an admission and of a service.
_DAYS = ("434", "435", "472")
#: What may follow what in the envelope.
_FOLLOWS = {"ISA": ("IEA", ""), "GS": ("ISA", "GE"), "ST": ("GS", "SE"), "SE": ("ST",), "GE": ("SE",), "IEA": ("GE",)}
_LONGEST_LINE = 2_000_000


def element(number: int, line: str = "line") -> str:
    """SQL of an element of a segment, counted from 1; empty where there is none."""
    return f"split_part({line}, {ELEMENT}, {number + 1})"


def load_segments(database: SubmissionDatabase, copy: Path, files: list[BillFile]) -> list[Problem]:
    """Load the copy of all files, and hold them against their envelopes; the problems refuse them."""
    total = sum(file.segments for file in files)
    database.con.execute(
        "create or replace table raw_files as select unnest($1::varchar[]) as name, unnest($2::bigint[]) as first_row,"
        " unnest(range(len($1::varchar[]))) as file_no",
        [[file.name for file in files], [file.first + 1 for file in files]],
    )
    try:
        database.con.execute(_kept_sql(), [str(copy)])
        database.con.execute(f"create or replace table raw_segments as {_states_sql()}; drop table raw_kept")
        last = database.one("select coalesce(max(row), 0) from raw_segments")[0]
    except duckdb.InvalidInputException:  # the engine's own words quote the line
        last = -1
    if last != total:
        return [Problem("F-UNREADABLE", "the files cannot be read as segments", file=file.name) for file in files[:1]]
    return [*_order(database), *_versions(database), *_counts(database)]


def _kept_sql() -> str:
    """The segments that matter, with their numbers among all."""
    kept = " or ".join(
        f"left(line, {length + 1}) in ({', '.join(_begun(name) for name in _KEPT if len(name) == length)})"
        for length in (3, 2)
    )
    return f"""create or replace table raw_kept as
        select row, rtrim(left(line, 3), {ELEMENT}) as id, line from (
            select row_number() over () as row, line
            from read_csv(?, auto_detect=false, delim='\x01', quote='', escape='', header=false,
                columns={{'line': 'varchar'}}, compression='none', max_line_size={_LONGEST_LINE}, null_padding=false))
        where ({kept}) and (left(line, 3) <> 'DTP' or substr(line, 5, 3) in {_DAYS})"""


def _states_sql() -> str:
    """Each of them with the newest section, level and claim up to it."""
    newest = {
        "section": f"id in {_SECTIONS}", "st": "id = 'ST'", "hl": "id = 'HL'", "claim": "id = 'CLM'",
        "payer": "id = 'SBR'", "service": "id = 'SV2'", "party": "id = 'NM1'",
    }  # fmt: skip
    # Over rows as they lie in the table: so the engine streams these windows, and sorts nothing.
    so_far = "over (rows between unbounded preceding and current row)"
    states = ", ".join(f"max(case when {sql} then row end) {so_far} as {name}" for name, sql in newest.items())
    return f"select row, id, line, {states} from raw_kept"


def _begun(name: str) -> str:
    """SQL of the first signs of a segment."""
    return f"'{name}' || {ELEMENT}"


def _problem(database: SubmissionDatabase, rule: str, message: str, row: int) -> Problem:
    """A problem of the segment with this number among all, told by its file and its number there."""
    name, number = database.con.execute(
        "select name, $1 - first_row + 1 from raw_files where first_row <= $1 order by first_row desc limit 1", [row]
    ).fetchone() or ("", row)
    return Problem(rule, f"segment {number}: {message}", file=name, row=number)


def _order(database: SubmissionDatabase) -> list[Problem]:
    """The first segment of each kind that stands where the envelope does not allow it."""
    after = " or ".join(
        f"(id = '{name}' and before in ({', '.join(repr(text) for text in allowed)}))"
        for name, allowed in _FOLLOWS.items()
    )
    row = database.con.execute(
        f"""select row, id, before from (
            select row, id, coalesce(lag(id) over (order by row), '') as before
            from raw_segments where id in {_ENVELOPE})
        where not ({after}) order by row limit 1"""
    ).fetchone()
    if row is not None:
        before = f"follows {row[2]}" if row[2] else "is the first of the envelope"
        return [_problem(database, "B-ENVELOPE", f"{row[1]} {before}", row[0])]
    outside = database.con.execute(
        f"""select s.row, s.id from raw_segments s join raw_segments e on e.row = s.envelope
        where s.id not in {_ENVELOPE} and e.id <> 'ST' order by 1 limit 1""".replace(
            "raw_segments s", f"({_WITH_ENVELOPE}) s"
        )
    ).fetchone()
    if outside is not None:
        return [_problem(database, "B-ENVELOPE", f"{outside[1]} is outside ST and SE", outside[0])]
    return []


_WITH_ENVELOPE = f"""select row, id, max(case when id in {_ENVELOPE} then row end)
    over (order by row rows between unbounded preceding and current row) as envelope
    from raw_segments where id in ({", ".join(repr(name) for name in (*_ENVELOPE, "HL", "BHT", "CLM"))})"""


def _versions(database: SubmissionDatabase) -> list[Problem]:
    """Anything but institutional claims of a version that is read."""
    wrong = f"""select row, case when id = 'ST' then 'ST03' else 'GS08' end,
            case when id = 'ST' then {element(3)} else {element(8)} end as version
        from raw_segments where id in ('GS', 'ST') and (version not in {VERSIONS}
            or (id = 'ST' and {element(1)} <> '837') or (id = 'GS' and {element(1)} <> 'HC'))
        order by row limit 1"""
    row = database.con.execute(wrong).fetchone()
    if row is None:
        return []
    found = row[2] if row[2].isascii() and row[2].isalnum() and len(row[2]) <= 12 else "another"
    return [_problem(database, "B-VERSION", f"{row[1]} is {found or 'empty'}, not {' or '.join(VERSIONS)}", row[0])]


def _counts(database: SubmissionDatabase) -> list[Problem]:
    """Trailers that count otherwise than what is there, or bear another control number than their headers."""
    same = "ltrim({}, '0') = ltrim({}, '0')".format
    row = database.con.execute(
        f"""with envelope as (
            select row, id, line, lag(row) over (order by row) as before, lag(line) over (order by row) as line_before,
                count(case when id = 'ST' then 1 end) over w as sets,
                count(case when id = 'GS' then 1 end) over w as groups,
                max(case when id = 'GS' then row end) over w as gs, max(case when id = 'ISA' then row end) over w as isa
            from raw_segments where id in {_ENVELOPE} window w as (order by row)),
        told as (
            select t.row, t.id, {element(1, "t.line")} as stated, {element(2, "t.line")} as number,
                case t.id when 'SE' then t.row - t.before + 1 when 'GE' then t.sets - h.sets
                    else t.groups - h.groups end as counted,
                case t.id when 'SE' then {element(2, "t.line_before")} when 'GE' then {element(6, "h.line")}
                    else {element(13, "h.line")} end as number_before
            from envelope t left join envelope h on h.row = case t.id when 'GE' then t.gs else t.isa end
            where t.id in ('SE', 'GE', 'IEA'))
        select row, id, stated, counted, {same("number", "number_before")} from told
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
    stated = row[2] if row[2].isdigit() and row[2].isascii() and len(row[2]) <= 10 else "no number"
    words = f"{row[1]}01 states {stated}, and {row[3]:,} {kinds[row[1]]} are there"
    return [_problem(database, "B-CONTROL", words, row[0])]
