"""How certain a payment is, as pages show it (methodology §14): sentences and charts. No payment depends on it.

Belongs here: wording and strips for the release's certainty tables. Does not belong here: computing a figure, the
layout (``templates/certainty.html.j2``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.reports import words
from hcip_pipeline.reports.charts import STRIP, Scale
from hcip_pipeline.reports.figures import ReportSource, Row

STATE = "STATE"

READINGS = {
    "attending": "the attending physician of every case",
    "operating": "the operating physician of surgical cases, or the attending physician if there is none",
    "undisputed": "only cases whose attending and operating physician are the same",
    "bridge": "as settled, with the base year and the baseline regrouped by the period's version",
}
#: with fewer cases than this, an interval from resampling the physician's own cases is too narrow
_FEW_CASES = 10
_RELIABILITY = (
    "Reliability, from 0 to 1: how much of the difference between physicians is real, rather than chance in a few "
    "cases."
)


@dataclass(frozen=True)
class Strip:
    """One line of the chart, in units of :data:`~hcip_pipeline.reports.charts.STRIP`: a range and a mark."""

    x: float
    width: float
    mark: float


@dataclass(frozen=True)
class Band:
    """A range of the chart.

    Attributes:
        name: the kind of draw.
        basis: how it was drawn.
        low, high: 5th and 95th percentile, dollars.
    """

    name: str
    basis: str
    strip: Strip
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class PartnerCertainty:
    """A care partner's payment: sentences, and a chart of up to two ranges with the calculated amount.

    Attributes:
        sentence: the amounts that were possible.
        verdict: how the payment compares with chance.
        notes: reliability and other remarks.
        meaning: explanation of reliability; empty if the notes do not mention it.
    """

    sentence: str
    verdict: str
    bands: tuple[Band, ...]
    notes: tuple[str, ...]
    meaning: str


def of_partner(source: ReportSource, ccn: str, partner: Row) -> PartnerCertainty | None:
    """How certain a care partner's calculated incentive is; None if there is none, calculated or drawn."""
    if not source.current.has("payment_ranges"):
        return None
    found = source.current.of_partner("payment_ranges", ccn, partner["npi"])
    if not found or not any(found[0][name] for name in ("calculated_incentive", "interval_high", "chance_high")):
        return None
    (row,) = found
    cases = partner["medical_cases"] + partner["surgical_cases"]
    low, high = words.money(row["interval_low"]), words.money(row["interval_high"])
    sentence = f"With these cases, between {low} and {high} was possible"
    if low == high:
        sentence = f"With these cases, {low} was the result in at least nine of ten samples"
    sentence += f"; {_by_chance(row)}." if is_tested(row) else "."
    top = max(row["interval_high"], row["chance_high"], row["calculated_incentive"], Decimal(1))
    bands = [_band("interval", row, top, "Your cases, resampled", "each case counted zero, one or several times")]
    if is_tested(row):
        basis = "cases of the same kind reassigned at random among the hospital's care partners"
        bands.append(_band("chance", row, top, "By chance alone", basis))
    reliability = source.current.of_partner("reliability", ccn, partner["npi"])
    return PartnerCertainty(
        " ".join((sentence, *_beyond(row))),
        _VERDICTS[compared(row)].format(own=words.money(row["calculated_incentive"])),
        tuple(bands),
        tuple(_notes(reliability, cases)),
        _RELIABILITY if reliability else "",
    )


def is_tested(row: Row) -> bool:
    """Whether reassigning the cases at random changes the calculated incentive."""
    return len({row[name] for name in ("chance_low", "chance_high", "chance_mean", "calculated_incentive")}) > 1


def compared(row: Row) -> str:
    """``above``, ``inside`` or ``below`` the range of chance; ``untested`` if reassigning cases changes nothing."""
    if not is_tested(row):
        return "untested"
    if row["calculated_incentive"] > row["chance_high"]:
        return "above"
    return "below" if row["calculated_incentive"] < row["chance_low"] else "inside"


#: wording of a comparison in a table, for a hospital or a care partner
COMPARED = {
    "above": "above the range",
    "inside": "inside the range",
    "below": "below the range",
    "untested": "not affected by chance",
}
_VERDICTS = {
    "above": "The calculated {own} is more than chance differences among colleagues would explain.",
    "below": "The calculated {own} is less than chance differences among colleagues would explain.",
    "inside": "Chance differences among colleagues could explain the calculated {own}, but that does not mean they do.",
    "untested": (
        "Chance cannot be tested: no other care partner of the hospital has cases of the same kinds, or they would "
        "earn the same with these cases."
    ),
}


def _by_chance(row: Row) -> str:
    """What a typical physician would have earned; a mean outside its range is always explained."""
    low, mean, high = row["chance_low"], row["chance_mean"], row["chance_high"]
    earned = "by chance alone, a typical physician would have earned"
    if low == high:
        often = f"{earned} {words.money(low)} in at least nine of ten draws"
        return often if mean == low else f"{often} ({words.money(mean)} on average over all draws)"
    span = f"{words.money(low)} to {words.money(high)}"
    if low <= mean <= high:
        return f"{earned} {words.money(mean)} ({span})"
    much = "more" if mean > high else "less"
    return f"{earned} {span} in nine of ten draws, and much {much} in a few ({words.money(mean)} on average)"


def _beyond(row: Row) -> list[str]:
    """A sentence about an incentive outside the range of its own samples; none otherwise."""
    own = row["calculated_incentive"]
    if row["interval_low"] <= own <= row["interval_high"]:
        return []
    more = "more" if own < row["interval_low"] else "less"
    side = "above" if more == "more" else "below"
    return [
        f"Nearly every sample gives {more} than the calculated {words.money(own)}: a small margin decided it, such as "
        f"a mean just {side} the 75th percentile."
    ]


def _band(kind: str, row: Row, top: Decimal, name: str, basis: str) -> Band:
    low, high = row[f"{kind}_low"], row[f"{kind}_high"]
    scale = Scale(Decimal(0), top, 1, STRIP - 1)
    width = max(round(scale.at(high) - scale.at(low), 1), 0.5)
    return Band(name, basis, Strip(scale.at(low), width, scale.at(row["calculated_incentive"])), low, high)


def _notes(reliability: Sequence[Row], cases: int) -> list[str]:
    notes = []
    for stream in words.STREAMS:
        own = [row for row in reliability if row["stream"] == stream]
        if own:
            figures = " and ".join(_reliability(row) for row in own)
            notes.append(f"{words.STREAMS[stream]}, {words.plural(own[0]['cases'], 'case')}: reliability {figures}.")
    if 0 < cases < _FEW_CASES:
        notes.append(
            f"With so few cases ({words.plural(cases, 'case')}), the first range is too narrow; take it as a rough "
            "indication."
        )
    return notes


def _reliability(row: Row) -> str:
    needed = row["cases_needed"]
    enough = "physicians in the state do not differ measurably"
    if needed is not None:
        enough = f"{words.plural(needed, 'case')} needed for 0.7"
    mark = ", not reliable enough to compare" if row["is_comparable"] is False else ""
    return f"{words.number(row['reliability'])} for {row['measure']} ({enough}{mark})"


@dataclass(frozen=True)
class GroupCertainty:
    """A hospital's payments, or the state's by hospital.

    Attributes:
        rows: one row per hospital: calculated, by chance alone, and the number of care partners above chance.
        above: care partners above chance; only for a hospital.
        readings: other readings of the responsible physician.
        streams: reliability of the state's figures.
        of: ``hospital`` or ``state``: whose care partners are ranked.
        tested: number of care partners whose payment the draws can change.
        one_in_twenty: number of these expected above their range by chance alone.
        is_mean_outside: whether the mean of a row is outside its range.
    """

    rows: tuple[Row, ...]
    above: tuple[Row, ...]
    readings: tuple[Row, ...]
    streams: tuple[Row, ...]
    of: str
    calculated: Decimal
    tested: int
    one_in_twenty: str
    is_mean_outside: bool


def of_hospital(source: ReportSource, ccn: str) -> GroupCertainty | None:
    """The section for the hospital's committee; None if the hospital has no care partners."""
    return _group(source, ccn)


def of_state(source: ReportSource) -> GroupCertainty | None:
    """The section for the administrator, with all hospitals."""
    return _group(source, None)


def _group(source: ReportSource, ccn: str | None) -> GroupCertainty | None:
    current = source.current
    if not current.has("certainty_hospitals"):
        return None
    rows = [
        row for row in current.frame("certainty_hospitals").iter_rows(named=True) if ccn in (None, row["hospital_ccn"])
    ]
    if not any(row["care_partners"] for row in rows):
        return None
    names = {row["npi"]: row["name"] for row in current.of_hospital("incentives", ccn)} if ccn else {}
    every = current.of_hospital("payment_ranges", ccn) if ccn else current.frame("payment_ranges").to_dicts()
    readings = current.frame("certainty_readings").to_dicts() if current.has("certainty_readings") else []
    tested = sum(map(is_tested, every))
    (whole,) = (row for row in rows if row["hospital_ccn"] == (ccn or STATE))
    return GroupCertainty(
        tuple(row | {"name": _name(source, row["hospital_ccn"]), "compared": COMPARED[compared(row)]} for row in rows),
        tuple(row | {"name": names.get(row["npi"])} for row in every if ccn and row["is_above_chance"]),
        tuple(row | {"words": READINGS[row["reading"]]} for row in readings if row["hospital_ccn"] == (ccn or STATE)),
        tuple(
            row | {"name": words.STREAMS[row["stream"]]}
            for row in current.frame("certainty_streams").iter_rows(named=True)
        ),
        "hospital" if ccn else "state",
        whole["calculated_incentive"],
        tested,
        words.number(Decimal(tested) / 20, 1),
        any(not row["chance_low"] <= row["chance_mean"] <= row["chance_high"] for row in rows),
    )


def _name(source: ReportSource, ccn: str) -> str:
    return "The state" if ccn == STATE else source.names.get(ccn, ccn)
