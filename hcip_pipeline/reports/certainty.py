"""How sure a payment is, as pages show it (methodology §14): sentences and where marks stand. No payment reads it.

Belongs here: wording and strips over the release's tables of certainty. Does not belong here: a figure, the layout
(``templates/certainty.html.j2``).
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
    "operating": "the operating physician of surgical cases, the attending one where there is none",
    "undisputed": "only cases whose attending and operating physicians agree",
    "bridge": "as settled, with base year and baseline grouped by the period's version",
}
#: under so many cases an interval over samples of the own cases is too narrow
_FEW_CASES = 10


@dataclass(frozen=True)
class Strip:
    """One line of the chart, of 100: a range and a mark."""

    x: float
    width: float
    mark: float


@dataclass(frozen=True)
class PartnerCertainty:
    """A care partner's payment: its sentence, and the chart of two ranges with what was calculated.

    Attributes:
        strips: what stands before each range, its strip, its ends.
        notes: what to keep in mind.
    """

    sentence: str
    verdict: str
    strips: tuple[tuple[str, Strip, Decimal, Decimal], ...]
    notes: tuple[str, ...]


def of_partner(source: ReportSource, ccn: str, partner: Row) -> PartnerCertainty | None:
    """How sure a care partner's calculated incentive is; None where nothing could have been calculated."""
    if not source.now.has("payment_ranges"):
        return None
    found = source.now.of_partner("payment_ranges", ccn, partner["npi"])
    if not found or not any(found[0][name] for name in ("calculated_incentive", "interval_high", "chance_high")):
        return None
    (row,) = found
    cases = partner["medical_cases"] + partner["surgical_cases"]
    sentence = f"With these cases, between {words.money(row['interval_low'])} and {words.money(row['interval_high'])}"
    if _is_tested(row):
        sentence += (
            f"; a physician like any other would by chance have earned {words.money(row['chance_mean'])} "
            f"({words.money(row['chance_low'])} to {words.money(row['chance_high'])})"
        )
    sentence += "."
    if not _is_tested(row):
        verdict = (
            "The chance test cannot be made: no other physician at the hospital has cases of the same kinds, or none "
            "would earn anything else with these."
        )
    elif row["is_above_chance"]:
        verdict = "The calculated incentive is above what chance alone explains."
    elif row["calculated_incentive"] < row["chance_low"]:
        verdict = "The calculated incentive is below what chance alone explains."
    else:
        verdict = "Chance alone could explain it with so many cases, which does not show that it does."
    top = max(row["interval_high"], row["chance_high"], row["calculated_incentive"], Decimal(1))
    own, chance = (
        (row[f"{name}_low"], row[f"{name}_high"], _strip(row[f"{name}_low"], row[f"{name}_high"], row, top))
        for name in ("interval", "chance")
    )
    return PartnerCertainty(
        sentence,
        verdict,
        (("Your cases, sampled again", own[2], *own[:2]), ("Chance alone", chance[2], *chance[:2])),
        tuple(_notes(source.now.of_partner("reliability", ccn, partner["npi"]), cases)),
    )


def _is_tested(row: Row) -> bool:
    """Whether dealing the cases out again changes what is calculated."""
    return bool(row["chance_low"] < row["chance_high"] or row["chance_mean"] != row["chance_low"])


def _strip(low: Decimal, high: Decimal, row: Row, top: Decimal) -> Strip:
    scale = Scale(Decimal(0), top, 1, STRIP - 1)
    return Strip(
        scale.at(low),
        max(round(scale.at(high) - scale.at(low), 1), 0.5),
        scale.at(row["calculated_incentive"]),
    )


def _notes(reliability: Sequence[Row], cases: int) -> list[str]:
    notes = []
    for row in reliability:
        if row["measure"] == "cost":
            needed = row["cases_needed"]
            enough = (
                "no number of cases makes it 0.7" if needed is None else f"0.7 takes {words.plural(needed, 'case')}"
            )
            mark = ", not reliable enough to compare" if row["is_comparable"] is False else ""
            notes.append(
                f"{words.STREAMS[row['stream']]}: the reliability of your cost figure is "
                f"{words.number(row['reliability'])} of 1{mark} ({words.plural(row['cases'], 'case')}; {enough})."
            )
    if 0 < cases < _FEW_CASES:
        notes.append(
            f"So few cases make the first range too narrow: read it as a hint ({words.plural(cases, 'case')})."
        )
    return notes


@dataclass(frozen=True)
class GroupCertainty:
    """A hospital, or the state by hospital.

    Attributes:
        rows: hospitals with what was calculated, by chance alone, and how many care partners lie above it.
        above: care partners above chance, of a hospital's page.
        readings: other readings of the responsible physician.
        streams: reliability of the state's figures.
        one_in_twenty: how many care partners would lie above by chance alone.
    """

    rows: tuple[Row, ...]
    above: tuple[Row, ...]
    readings: tuple[Row, ...]
    streams: tuple[Row, ...]
    one_in_twenty: str


def of_hospital(source: ReportSource, ccn: str) -> GroupCertainty | None:
    """What the hospital's committee sees; None where the hospital has no care partner."""
    return _group(source, ccn)


def of_state(source: ReportSource) -> GroupCertainty | None:
    """What the administrator sees, hospitals side by side."""
    return _group(source, None)


def _group(source: ReportSource, ccn: str | None) -> GroupCertainty | None:
    now = source.now
    if not now.has("certainty_hospitals"):
        return None
    rows = [row for row in now.frame("certainty_hospitals").iter_rows(named=True) if ccn in (None, row["hospital_ccn"])]
    if not any(row["care_partners"] for row in rows):
        return None
    names = {row["npi"]: row["name"] for row in now.of_hospital("incentives", ccn)} if ccn else {}
    above = [row | {"name": names.get(row["npi"])} for row in now.of_hospital("payment_ranges", ccn)] if ccn else []
    readings = now.frame("certainty_readings").to_dicts() if now.has("certainty_readings") else []
    every = now.of_hospital("payment_ranges", ccn) if ccn else now.frame("payment_ranges").to_dicts()
    tested = sum(_is_tested(row) for row in every)
    return GroupCertainty(
        tuple(row | {"name": _name(source, row["hospital_ccn"]), "verdict": _verdict(row)} for row in rows),
        tuple(row for row in above if row["is_above_chance"]),
        tuple(row | {"words": READINGS[row["reading"]]} for row in readings if row["hospital_ccn"] == (ccn or STATE)),
        tuple(
            row | {"name": words.STREAMS[row["stream"]]} for row in now.frame("certainty_streams").iter_rows(named=True)
        ),
        words.number(Decimal(tested) / 20, 1),
    )


def _name(source: ReportSource, ccn: str) -> str:
    return "The state" if ccn == STATE else source.names.get(ccn, ccn)


def _verdict(row: Row) -> str:
    if row["calculated_incentive"] > row["chance_high"]:
        return "above chance"
    return "below chance" if row["calculated_incentive"] < row["chance_low"] else "within chance"
