"""Rules on a submission as a whole: shares of rows, and the hospital's own control totals (inputs.md, "Edits").

Belongs here: rules that compare counts. Does not belong here: counting (``counting``), and rules that need another
submission (``standing``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from hcip_pipeline.dollars import dollars
from hcip_pipeline.intake.hospital.control_totals import ControlTotals, differences
from hcip_pipeline.intake.hospital.counting import SubmissionCounts, TableCount
from hcip_pipeline.intake.hospital.limits import (
    MAX_ERROR_SHARE,
    MAX_NPI_MISSING,
    MAX_PATIENT_ID_MISSING,
    MAX_UNMAPPED,
    MOST_UNMAPPED,
    exceeds,
)
from hcip_pipeline.rules.hospital import RULES
from hcip_pipeline.rules.problem import Problem


def problems_of_whole(
    outcome: SubmissionCounts, totals: ControlTotals | None, names: Mapping[str, str]
) -> list[Problem]:
    """The problems of a submission as a whole, judging by its counts.

    Args:
        totals: the hospital's own counts; None if it sent no totals.
        names: table -> name of its file.
    """
    return [*_error_rates(outcome, names), *_totals(outcome, totals), *_missing(outcome), *_unmapped(outcome)]


def _error_rates(outcome: SubmissionCounts, names: Mapping[str, str]) -> Iterator[Problem]:
    for name, count in outcome.tables.items():
        if exceeds(count.error_rows, count.read, MAX_ERROR_SHARE):
            breaks = "breaks" if count.error_rows == 1 else "break"
            words = f"{count.error_rows:,} of {count.read:,} rows {breaks} an ERROR rule, more than 1%"
            yield Problem("S-ERROR-RATE", f"{words}{_most_frequent(outcome, name)}", file=names[name])


def _most_frequent(outcome: SubmissionCounts, table: str) -> str:
    """The ERROR rule that most rows of a table break, with the first such row."""
    broken = [each for each in outcome.rules if each.table == table and RULES[each.rule].severity == "ERROR"]
    if not broken:
        return ""
    most = max(broken, key=lambda each: each.rows)
    place = most.places[0] if most.places else f"row {most.lines[0]:,}" if most.lines else ""
    first = f", first in {place}" if place else ""
    rows = f"{most.rows:,} row{'s' * (most.rows != 1)}"
    return f"; most often {most.rule} ({RULES[most.rule].description}), {rows}{first}"


def _totals(outcome: SubmissionCounts, totals: ControlTotals | None) -> Sequence[Problem]:
    if totals is None:
        return []
    discharges, charges = outcome.tables.get("discharges"), outcome.tables.get("charges")
    # The hospital may have counted repeated rows once or twice.
    as_sent, once = (differences(totals, *_read(discharges, charges, twice=twice)) for twice in (True, False))
    return once if len(once) < len(as_sent) else as_sent


def _missing(outcome: SubmissionCounts) -> Iterator[Problem]:
    of = f"of {outcome.discharges:,} discharges have no"
    if exceeds(outcome.npi_missing, outcome.discharges, MAX_NPI_MISSING):
        yield Problem("S-NPI-MISSING", f"{outcome.npi_missing:,} {of} physician's NPI")
    if exceeds(outcome.patient_id_missing, outcome.discharges, MAX_PATIENT_ID_MISSING):
        yield Problem("S-PATIENT-ID-MISSING", f"{outcome.patient_id_missing:,} {of} patient_id")


def _read(
    discharges: TableCount | None, charges: TableCount | None, *, twice: bool
) -> tuple[int | None, int | None, Decimal | None]:
    """Discharges, charge lines and dollars of discharges that were read, with or without repeated rows."""
    return (
        discharges.read + twice * discharges.repeated if discharges else None,
        charges.read + twice * charges.repeated if charges else None,
        discharges.dollars_read + twice * discharges.dollars_repeated if discharges else None,
    )


def _unmapped(outcome: SubmissionCounts) -> list[Problem]:
    lines = f"{outcome.unmapped:,} of {outcome.charges:,} charge lines"
    part, whole = (int(amount * 100) for amount in (outcome.unmapped_dollars, outcome.dollars))
    if exceeds(outcome.unmapped, outcome.charges, MOST_UNMAPPED) or (part > 0 and exceeds(part, whole, MOST_UNMAPPED)):
        words = f"{lines} and {dollars(outcome.unmapped_dollars)} of {dollars(outcome.dollars)} have no rate center"
        return [Problem("S-UNMAPPED-MOST", words)]
    if exceeds(outcome.unmapped, outcome.charges, MAX_UNMAPPED):
        return [Problem("S-UNMAPPED", f"{lines} have no rate center")]
    return []
