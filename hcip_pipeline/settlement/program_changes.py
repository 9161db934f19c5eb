"""What changed since earlier periods were released and may move a hospital's payments (methodology §15).

No edit between two half-years raises a payment unseen: what is found here is a reason on every payment of the hospital.

Belongs here: comparing what a period is built from with what earlier releases rest on. Does not belong here: a change
that holds payments (``intake.program.starts``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from hcip_pipeline.contracts.run import PROGRAM_CHANGES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.release.reading import ReleaseFiles, counted_payments, released_before, releases_among, releases_of

#: (hospital, reason, detail)
Change = tuple[str, str, str]


@dataclass(frozen=True)
class ProgramTables:
    """Tables of the lake about a half-year's programs.

    Attributes:
        programs: of the half-year (``contracts.protocol.PROGRAMS``).
        protocols: in force in it.
        earlier_amounts: other programs' amounts of earlier periods, as known now.
        care_partners: certified for it.
        excluded: individuals on an exclusion list in it (``contracts.protocol.EXCLUDED_IN_PERIOD``).
    """

    programs: pl.DataFrame
    protocols: pl.DataFrame
    earlier_amounts: pl.DataFrame
    care_partners: pl.DataFrame
    excluded: pl.DataFrame


def program_changes(
    home: Home,
    period: PerformancePeriod,
    tables: ProgramTables,
    baseline: Sequence[tuple[str, Quarter, str]],
    replaced: Iterable[Change] = (),
) -> pl.DataFrame:
    """Changes by hospital and kind, in the columns of ``contracts.run.PROGRAM_CHANGES``.

    The measure is the first release of the latest earlier period, and for the baseline's data the first release of the
    half-year they belong to: a restatement in between does not make a change unseen.

    Args:
        tables: of ``period``.
        baseline: hospital, quarter and sha256 of each submitted file in force of the baseline.
        replaced: submissions of the baseline that were replaced and that no release shows (``baseline_changes``).
    """
    found: list[Change] = [*replaced]
    if before := released_before(home, period):
        measure = ReleaseFiles.at(releases_of(home, before[-1])[0])
        if measure.has("programs"):
            found += _of_programs(measure, period, tables.programs, tables.protocols)
        if measure.has("other_programs"):
            found += _of_other_programs(measure, tables.earlier_amounts)
        if measure.has("payment_inputs"):
            found += _exclusions_changed(measure, tables.care_partners, tables.excluded)
        found += _restated(home, before, measure)
        found += _resubmitted(home, period, baseline)
    schema = PROGRAM_CHANGES.schema
    frame = pl.DataFrame(found, schema=schema, orient="row")
    together = frame.group_by("hospital_ccn", "reason").agg(pl.col("detail").unique().sort().str.join("; "))
    return together.select(PROGRAM_CHANGES.names).sort(PROGRAM_CHANGES.key)


def _of_programs(
    measure: ReleaseFiles, period: PerformancePeriod, programs: pl.DataFrame, protocols: pl.DataFrame
) -> Iterator[Change]:
    were = {row["hospital_ccn"]: row for row in measure.table("programs").iter_rows(named=True)}
    approvals = dict(protocols.select("hospital_ccn", "approved_on").iter_rows())
    for now in programs.iter_rows(named=True):
        ccn = now["hospital_ccn"]
        was = were.get(ccn, {})
        first, first_then = now["first_performance_period"], was.get("first_performance_period")
        if now["corrected_first_period"] and first_then not in (None, first):
            detail = f"the first performance period is {first}; in {measure.name}, it was {first_then}"
            yield ccn, "FIRST_PERIOD_CORRECTED", detail
        if now["terms"] is None or first is None:
            continue  # no protocol is in force: its payments are held
        then = was.get("protocol_terms")
        if then is None:
            if first < str(period):
                yield ccn, "PROTOCOL_CHANGED", f"no protocol was in force in {measure.name}"
            continue
        old, new = json.loads(then), json.loads(now["terms"])
        differ = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
        if differ:
            yield ccn, "PROTOCOL_CHANGED", f"changed since {measure.name}: {', '.join(differ)}"
        approved_then, approved = was.get("protocol_approved_on"), approvals.get(ccn)
        was_late = approved_then is None or approved_then >= period.start
        if was_late and approved is not None and approved < period.start:
            then_approved = f"approved on {approved_then}" if approved_then else "not approved"
            detail = f"the protocol was approved on {approved}; in {measure.name}, it was {then_approved}"
            yield ccn, "PROTOCOL_CHANGED", detail


def _of_other_programs(measure: ReleaseFiles, earlier_amounts: pl.DataFrame) -> Iterator[Change]:
    known = measure.table("other_programs").filter(pl.col("reported_period") <= str(measure.period))
    were = _sums(known, "reported_period")
    are = _sums(earlier_amounts.filter(pl.col("period") <= str(measure.period)), "period")
    for ccn, period in sorted(were.keys() | are.keys()):
        was, now = (sums.get((ccn, period), Decimal(0)) for sums in (were, are))
        if was != now:
            yield ccn, "OTHER_PROGRAMS_CHANGED", f"{period}: ${now:,.2f} now, ${was:,.2f} in {measure.name}"


def _sums(frame: pl.DataFrame, period: str) -> dict[tuple[str, str], Decimal]:
    summed = frame.group_by("hospital_ccn", period).agg(pl.col("amount").sum())
    return {(ccn, own): Decimal(amount) for ccn, own, amount in summed.iter_rows()}


def _exclusions_changed(measure: ReleaseFiles, care_partners: pl.DataFrame, excluded: pl.DataFrame) -> Iterator[Change]:
    was = measure.table("payment_inputs").select("hospital_ccn", "npi", "is_excluded")
    both = was.join(care_partners, on=["hospital_ccn", "npi"], how="semi").sort("hospital_ccn", "npi")
    now = set(excluded["npi"])
    for ccn, npi, was_excluded in both.iter_rows():
        if was_excluded != (npi in now):
            detail = "no longer on an exclusion list" if was_excluded else "now on an exclusion list"
            then = "on one" if was_excluded else "on none"
            yield ccn, "EXCLUSIONS_CHANGED", f"{npi} is {detail}; in {measure.name}, {then}"


def _restated(home: Home, before: Sequence[PerformancePeriod], measure: ReleaseFiles) -> Iterator[Change]:
    """Earlier periods whose newest release is not the one that the measure rests on, where its figures differ."""
    known = {release.period: release for release in releases_among(home, measure.manifest.get("inputs", ()))}
    known[measure.period] = measure
    for period in before:
        newest = ReleaseFiles.at(releases_of(home, period)[-1])
        then = known.get(period)
        if then is not None and then.number == newest.number:
            continue
        were, are = (_figures(then) if then else {}), _figures(newest)
        for ccn in sorted(were.keys() | are.keys()):
            if were.get(ccn) != are.get(ccn):
                how = f"counts instead of {then.name}" if then else f"was released after {measure.name}"
                yield ccn, "EARLIER_PERIOD_RESTATED", f"{newest.name} {how}"


def _figures(release: ReleaseFiles) -> dict[str, list[tuple[Any, ...]]]:
    """Hospital -> what later periods read of a release: incentives that count and internal savings."""
    figures: dict[str, list[tuple[Any, ...]]] = {}
    payable = counted_payments(release.table("incentives"))
    for ccn, *rest in payable.sort("hospital_ccn", "npi").select("hospital_ccn", "npi", "final_incentive").iter_rows():
        figures.setdefault(ccn, []).append(tuple(rest))
    savings = release.table("savings", folder="savings").sort("hospital_ccn", "scope")
    for ccn, *rest in savings.select("hospital_ccn", "scope", "internal_savings").iter_rows():
        figures.setdefault(ccn, []).append(tuple(rest))
    return figures


def _resubmitted(
    home: Home, period: PerformancePeriod, baseline: Sequence[tuple[str, Quarter, str]]
) -> Iterator[Change]:
    now: dict[tuple[str, Quarter], set[str]] = {}
    for ccn, quarter, sha256 in baseline:
        now.setdefault((ccn, quarter), set()).add(sha256)
    for quarter in sorted({quarter for _, quarter in now}):
        half = PerformancePeriod(quarter.year, 1 if quarter.number <= 2 else 2)
        releases = releases_of(home, half)
        if half >= period or not releases:
            continue
        first = ReleaseFiles.at(releases[0])
        then = _submitted(first.manifest.get("inputs", ()), quarter)
        for ccn in sorted(then.keys() | {ccn for ccn, own in now if own == quarter}):
            if then.get(ccn, set()) != now.get((ccn, quarter), set()):
                yield ccn, "BASELINE_RESUBMITTED", f"the data of {quarter} differ from those in {first.name}"


def _submitted(inputs: Sequence[Mapping[str, Any]], quarter: Quarter) -> dict[str, set[str]]:
    """Hospital -> sha256 of its files of a quarter that a release rests on."""
    found: dict[str, set[str]] = {}
    for item in inputs:
        kind, *rest = str(item["file"]).split("/")
        if kind == "hospital" and rest[0] == str(quarter):
            found.setdefault(rest[1].split(".")[0], set()).add(str(item["sha256"]))
    return found
