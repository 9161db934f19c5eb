"""Conditions on the elements of a claim, each as SQL: a breach refuses the export, or is counted.

Belongs here: the conditions and their messages. Does not belong here: values that cannot be read (``tables``), lines
that are not resources (``lines``, ``faults``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.bcda.paths import coded
from hcip_pipeline.intake.bcda.tables import ADJUSTMENT, CLAIM_ID, adjustment_sql

V3 = "export from BCDA v3 (/api/v3/)"
_AGAIN = "ask CMS for the export again"
_PARTS_OF_LINES = "part in ('B', 'DME')"
_RENDERING = f"list_filter(careTeam, lambda x: {coded('x.role', 'rendering')})"
_NUMBER_OF_ONE = "x.sequence || x.provider.identifier.value"
_PAID = f"list_filter(i.adjudication, lambda x: {coded('x.category', 'CLM_LINE_CVRD_PD_AMT')})"
_PAID_LINE = f"{_PAID}[1].amount.value"
_RENDERED = f"list_filter({_RENDERING}, lambda x: list_contains(i.careTeamSequence, x.sequence))"


@dataclass(frozen=True)
class ClaimCheck:
    """A condition whose breach refuses the export; ``broken`` is SQL over a row of ``claims``, true for a breach."""

    rule: str
    broken: str
    message: str
    fix: str


def _is_ambiguous(items: str, identified_by: str, *, needs_number: bool = True) -> str:
    """SQL: whether different entries of a list have the same ``sequence``, or one has none; repeats are no breach.

    Args:
        items: a list of structures.
        identified_by: SQL for what distinguishes an entry ``x`` from the others.
        needs_number: whether an entry without a sequence is a breach.
    """
    numbers = f"list_transform({items}, lambda x: x.sequence)"
    entries = f"list_transform({items}, lambda x: {identified_by})"
    counted = f"length(list_distinct({numbers}))"
    differ = f"length(list_distinct({entries})) > {counted}"
    if needs_number:
        differ = f"(list_contains(list_transform({items}, lambda x: x.sequence is null), true) or {differ})"
    return f"coalesce(case when {counted} = length({items}) then false else {differ} end, false)"


def _several(entries: str, value: str) -> str:
    """SQL: whether the entries ``x`` of a list have different values, although only one entry is read."""
    return f"coalesce(length(list_distinct(list_transform({entries}, lambda x: {value}))) > 1, false)"


def _of_any_line(condition: str) -> str:
    """SQL: whether a condition holds for any line ``i``."""
    return f"coalesce(list_contains(list_transform(item, lambda i: {condition}), true), false)"


def _major(kind: str) -> str:
    """SQL for the major version of a resource's CARIN profile: null without a profile, 0 without a version."""
    profile = f"list_filter(meta.profile, lambda p: contains(p, 'C4BB-{kind}'))[1]"
    number = f"try_cast(regexp_extract({profile}, '[|]([0-9]+)', 1) as integer)"
    return f"case when {profile} is not null then coalesce({number}, 0) end"


#: major version of CARIN's profiles, by kind of resource; it is 2 in CMS's version 3, and missing in earlier ones
MAJOR = {kind: _major(kind) for kind in ("ExplanationOfBenefit", "Patient", "Coverage")}
KNOWN_MAJOR = 2

REFUSING = (
    ClaimCheck(
        "BCDA-VERSION", f"{MAJOR['ExplanationOfBenefit']} < {KNOWN_MAJOR}",
        "the claim is not of version 3 (meta.profile): versions 1 and 2 lack the adjustment code, so the "
        "final claim cannot be determined", V3,
    ),
    ClaimCheck("BCDA-NO-CLAIM-ID", "claim_id is null", "the claim has no claim id", V3),
    ClaimCheck(
        "BCDA-REPEATED",
        _several(f"list_filter(identifier, lambda x: {CLAIM_ID})", "x.value"),
        "the claim has two different claim ids", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-REPEATED",
        _several(f"list_filter(supportingInfo, lambda x: {coded('x.category', ADJUSTMENT)})", "x.code.coding[1].code"),
        "the claim has two different adjustment codes: it is not known whether it is a cancellation", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-REPEATED", f"{_PARTS_OF_LINES} and {_of_any_line(_several(_PAID, 'x.amount.value'))}",
        "a line of the claim has two different payments (CLM_LINE_CVRD_PD_AMT)", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-REPEATED",
        f"part = 'B' and {_of_any_line(_several(_RENDERED, 'x.provider.identifier.value'))}",
        "a line of the claim names two rendering physicians", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-ADJUSTMENT", f"part <> 'D' and {adjustment_sql()} not in ('0', '1', '2')",
        "the claim's adjustment code is not 0 (original), 1 (cancellation) or 2 (adjustment)", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-PERIOD",
        """part = 'A' and (billablePeriod."start" is null or billablePeriod."end" is null)
        or left(billablePeriod."end", 10) < left(billablePeriod."start", 10)""",
        "the claim's billablePeriod has no start or no end, or ends before it starts", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-SEQUENCE", f"part <> 'D' and {_is_ambiguous('item', 'x')}",
        "two different lines of the claim (item) have the same sequence, or a line has none", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-SEQUENCE", f"part = 'A' and {_is_ambiguous('procedure', 'x')}",
        "two different procedures of the claim have the same sequence, or one has none", _AGAIN,
    ),
    ClaimCheck(
        "BCDA-SEQUENCE", f"part = 'B' and {_is_ambiguous(_RENDERING, _NUMBER_OF_ONE, needs_number=False)}",
        "two rendering physicians of the claim (careTeam) have the same sequence: the physician of a line is not known",
        _AGAIN,
    ),
)  # fmt: skip

#: oddity -> SQL for how often it occurs in a claim that is read
COUNTED = {
    "without_payment": "cast(part = 'A' and payment.amount.value is null as integer)",
    "lines_without_payment": f"""case when {_PARTS_OF_LINES}
        then length(list_filter(item, lambda i: {_PAID_LINE} is null)) end""",
    "without_lines": f"cast({_PARTS_OF_LINES} and coalesce(length(item), 0) = 0 as integer)",
    "lines_without_date": f"""case when {_PARTS_OF_LINES}
        then length(list_filter(item, lambda i: coalesce(i.servicedDate, i.servicedPeriod."start") is null)) end""",
    "without_adjustment_code": f"cast(not coalesce(list_contains(info_keys, '{ADJUSTMENT}'), false) as integer)",
    "of_other_profile": f"cast({MAJOR['ExplanationOfBenefit']} is distinct from {KNOWN_MAJOR} as integer)",
}


def checks_sql(source: str) -> str:
    """SQL for one row: the first line that breaks each of ``REFUSING``, then the sum of each of ``COUNTED``."""
    first = [f"min(_row) filter (where ({check.broken}))" for check in REFUSING]
    sums = [f"sum({sql})" for sql in COUNTED.values()]
    return f"select {', '.join([*first, *sums])} from {source} as claim where is_read"


def refuse_first(rows: Iterable[int | None], file: str) -> None:
    """Refuse the export for the first line that breaks a check, given the lines that ``checks_sql`` found.

    Raises:
        HcipError: with the check's rule.
    """
    broken = [(row, check) for row, check in zip(rows, REFUSING, strict=True) if row is not None]
    if broken:
        row, check = min(broken, key=lambda each: each[0])
        raise HcipError(check.message, fix=check.fix, file=file, row=int(row), rule=check.rule)
