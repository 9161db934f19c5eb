"""Bills that give one fact several times, or in the wrong place: nothing is guessed, and nothing is lost silently.

Belongs here: segments in a part of the claim where they mean something else, and repeated elements. Does not belong
here: what is read, and repeated segments (``claims``).

An exact repetition of a segment counts as the same segment.
"""

from __future__ import annotations

from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.segments import (
    CLAIM,
    DAYS,
    ELEMENT,
    LEVEL,
    OWN,
    REPETITION,
    SECTION,
    SERVICE,
    begins,
    element,
    in_part,
    owned_by,
)

#: Elements of DMG that are read; a later one may contain several races.
_READ_OF_PERSON = 4


def find_oddities(database: SubmissionDatabase, *, has_repetitions: bool) -> None:
    """Add such claims to ``raw_faults``.

    Args:
        has_repetitions: whether the files use the repetition separator (ISA11) at all.
    """
    database.run(f"insert into raw_faults {_misplaced()}")
    database.run(f"insert into raw_faults {_lines_together()}")
    database.run(f"insert into raw_faults {_days_of_lines()}")
    database.run(f"insert into raw_faults {_days_unread()}")
    if has_repetitions:
        database.run(f"insert into raw_faults {_repetitions()}")


def _misplaced() -> str:
    is_day = begins("DTP", "472")
    is_of_stay = f"({begins('DTP', '434')} or {begins('DTP', '435')})"
    return f"""
        select distinct owner >> 2 as row, 'B-MISPLACED' from raw_segments
        where {owned_by(CLAIM)} and (
            (not {in_part(OWN)} and (id in ('CL1', 'HI') or (id = 'DTP' and {is_of_stay})))
            or id in ('DMG', 'BHT') or ({in_part(SERVICE)} and {begins("NM1", "71")})
            or (id = 'DTP' and {is_day} and not {in_part(SERVICE)}))"""


def _lines_together() -> str:
    """Charge lines that share their loop, or are in none."""
    return f"""
        select distinct owner >> 2, 'B-LINE' from raw_segments where id = 'SV2' and {owned_by(CLAIM)}
        group by owner, part having count(*) > 1 or not bool_and({in_part(SERVICE)})"""


def _days_of_lines() -> str:
    """Charge lines with several days of service."""
    return f"""
        select distinct owner >> 2, 'B-REPEATED' from raw_segments
        where id = 'DTP' and {begins("DTP", "472")} and {in_part(SERVICE)}
        group by owner, part having min({element(3)}) <> max({element(3)})"""


def _days_unread() -> str:
    """Days of an unknown kind, and empty days of lines, for which the statement's day is used instead."""
    is_known = " or ".join(begins("DTP", day) for day in DAYS)
    return f"""
        select distinct owner >> 2, 'B-DATE-UNREAD' from raw_segments where id = 'DTP' and {owned_by(CLAIM)}
            and (not ({is_known}) or ({begins("DTP", "472")} and {element(3)} = ''))
        union
        select owner >> 2, 'B-DATE-UNREAD' from raw_units where is_plain and day_line in (
            select day_line from (select distinct day_line from raw_units where is_plain)
            where {element(3, "day_line")} = '')"""


def _repetitions() -> str:
    """Elements that are read as a single value but have several."""
    found = f"""contains(case when id = 'DMG' then
        array_to_string(string_split(line, {ELEMENT})[:{_READ_OF_PERSON}], {ELEMENT}) else line end, {REPETITION})"""
    return f"""
        with odd as (
            select row, owner from raw_segments
            where id in ('BHT', 'SBR', 'NM1', 'N4', 'DMG', 'CLM', 'CL1', 'DTP', 'SV2', 'HL') and {found}),
        levels as (select owner >> 2 as row from odd where {owned_by(LEVEL)})
        select distinct row, 'B-REPEATED' from (
            select owner >> 2 as row from odd where {owned_by(CLAIM)}
            union all select v.row from raw_levels v join raw_loops h on h.row = v.hl
                where v.id = 'CLM' and (h.row in (from levels) or h.subscriber_hl in (from levels)
                    or h.billing_hl in (from levels))
            union all select row from raw_levels where id = 'CLM' and st in (
                select owner >> 2 from odd where {owned_by(SECTION)}))"""
