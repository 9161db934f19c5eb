"""Changes since earlier periods were released that may move a hospital's payments (methodology §15).

No edit between two half-years raises a payment unseen: each change found here is a reason on all the hospital's
payments.

Belongs here: comparing a period's inputs with those of earlier releases. Does not belong here: a change that holds
payments (``intake.program.starts``).
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
    """Lake tables about a half-year's programs.

    Attributes:
        programs: the half-year's programs (``contracts.protocol.PROGRAMS``).
        protocols: the protocols in force.
        earlier_amounts: other programs' amounts of earlier periods, as currently reported.
        care_partners: the certified care partners.
        excluded: individuals on an exclusion list in the half-year (``contracts.protocol.EXCLUDED_IN_PERIOD``).
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
    """Changes by hospital and reason, in the columns of ``contracts.run.PROGRAM_CHANGES``.

    They are counted since the reference: the first release of the latest earlier period or, for the baseline's data,
    the first release of their own half-year. So a restatement in between hides no change.

    Args:
        tables: the tables of ``period``.
        baseline: hospital, quarter and sha256 of each submitted file in force of the baseline.
        replaced: replaced submissions of the baseline that no release shows (``baseline_changes``).
    """
    found: list[Change] = [*replaced]
    if before := released_before(home, period):
        reference = ReleaseFiles.at(releases_of(home, before[-1])[0])
        if reference.has("programs"):
            found += _protocol_changes(reference, period, tables.programs, tables.protocols)
        if reference.has("other_programs"):
            found += _other_program_changes(reference, tables.earlier_amounts)
        if reference.has("payment_inputs"):
            found += _exclusions_changed(reference, tables.care_partners, tables.excluded)
        found += _restated(home, before, reference)
        found += _resubmitted(home, period, baseline)
    schema = PROGRAM_CHANGES.schema
    frame = pl.DataFrame(found, schema=schema, orient="row")
    together = frame.group_by("hospital_ccn", "reason").agg(pl.col("detail").unique().sort().str.join("; "))
    return together.select(PROGRAM_CHANGES.names).sort(PROGRAM_CHANGES.key)


def _protocol_changes(
    reference: ReleaseFiles, period: PerformancePeriod, programs: pl.DataFrame, protocols: pl.DataFrame
) -> Iterator[Change]:
    were = {row["hospital_ccn"]: row for row in reference.table("programs").iter_rows(named=True)}
    approvals = dict(protocols.select("hospital_ccn", "approved_on").iter_rows())
    for now in programs.iter_rows(named=True):
        ccn = now["hospital_ccn"]
        was = were.get(ccn, {})
        first, earlier_first = now["first_performance_period"], was.get("first_performance_period")
        if now["corrected_first_period"] and earlier_first not in (None, first):
            detail = f"the first performance period is {first}; in {reference.name}, it was {earlier_first}"
            yield ccn, "FIRST_PERIOD_CORRECTED", detail
        if now["terms"] is None or first is None:
            continue  # no protocol is in force, so the payments are held
        earlier_terms = was.get("protocol_terms")
        if earlier_terms is None:
            if first < str(period):
                yield ccn, "PROTOCOL_CHANGED", f"no protocol was in force in {reference.name}"
            continue
        old, new = json.loads(earlier_terms), json.loads(now["terms"])
        differ = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
        if differ:
            yield ccn, "PROTOCOL_CHANGED", f"changed since {reference.name}: {', '.join(differ)}"
        earlier_approved, approved = was.get("protocol_approved_on"), approvals.get(ccn)
        was_late = earlier_approved is None or earlier_approved >= period.start
        if was_late and approved is not None and approved < period.start:
            earlier = f"approved on {earlier_approved}" if earlier_approved else "not approved"
            detail = f"the protocol was approved on {approved}; in {reference.name}, it was {earlier}"
            yield ccn, "PROTOCOL_CHANGED", detail


def _other_program_changes(reference: ReleaseFiles, earlier_amounts: pl.DataFrame) -> Iterator[Change]:
    known = reference.table("other_programs").filter(pl.col("reported_period") <= str(reference.period))
    were = _sums(known, "reported_period")
    are = _sums(earlier_amounts.filter(pl.col("period") <= str(reference.period)), "period")
    for ccn, period in sorted(were.keys() | are.keys()):
        was, now = (sums.get((ccn, period), Decimal(0)) for sums in (were, are))
        if was != now:
            yield ccn, "OTHER_PROGRAMS_CHANGED", f"{period}: ${now:,.2f} now, ${was:,.2f} in {reference.name}"


def _sums(frame: pl.DataFrame, period: str) -> dict[tuple[str, str], Decimal]:
    summed = frame.group_by("hospital_ccn", period).agg(pl.col("amount").sum())
    return {(ccn, own): Decimal(amount) for ccn, own, amount in summed.iter_rows()}


def _exclusions_changed(
    reference: ReleaseFiles, care_partners: pl.DataFrame, excluded: pl.DataFrame
) -> Iterator[Change]:
    was = reference.table("payment_inputs").select("hospital_ccn", "npi", "is_excluded")
    both = was.join(care_partners, on=["hospital_ccn", "npi"], how="semi").sort("hospital_ccn", "npi")
    now = set(excluded["npi"])
    for ccn, npi, was_excluded in both.iter_rows():
        if was_excluded != (npi in now):
            detail = "no longer on an exclusion list" if was_excluded else "now on an exclusion list"
            earlier = "it was on one" if was_excluded else "it was on none"
            yield ccn, "EXCLUSIONS_CHANGED", f"{npi} is {detail}; in {reference.name}, {earlier}"


def _restated(home: Home, before: Sequence[PerformancePeriod], reference: ReleaseFiles) -> Iterator[Change]:
    """Earlier periods whose newest release has other figures than the one that the reference rests on."""
    known = {release.period: release for release in releases_among(home, reference.manifest.get("inputs", ()))}
    known[reference.period] = reference
    for period in before:
        newest = ReleaseFiles.at(releases_of(home, period)[-1])
        earlier = known.get(period)
        if earlier is not None and earlier.number == newest.number:
            continue
        were, are = (_figures(earlier) if earlier else {}), _figures(newest)
        for ccn in sorted(were.keys() | are.keys()):
            if were.get(ccn) != are.get(ccn):
                detail = f"counts instead of {earlier.name}" if earlier else f"was released after {reference.name}"
                yield ccn, "EARLIER_PERIOD_RESTATED", f"{newest.name} {detail}"


def _figures(release: ReleaseFiles) -> dict[str, list[tuple[Any, ...]]]:
    """Hospital -> the figures of a release that later periods read: incentives that count, and internal savings."""
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
        were = _submitted(first.manifest.get("inputs", ()), quarter)
        for ccn in sorted(were.keys() | {ccn for ccn, own in now if own == quarter}):
            if were.get(ccn, set()) != now.get((ccn, quarter), set()):
                yield ccn, "BASELINE_RESUBMITTED", f"the data of {quarter} differ from those in {first.name}"


def _submitted(inputs: Sequence[Mapping[str, Any]], quarter: Quarter) -> dict[str, set[str]]:
    """Hospital -> sha256 of its files of a quarter among a release's inputs."""
    found: dict[str, set[str]] = {}
    for item in inputs:
        kind, *rest = str(item["file"]).split("/")
        if kind == "hospital" and rest[0] == str(quarter):
            found.setdefault(rest[1].split(".")[0], set()).add(str(item["sha256"]))
    return found
