"""Status of a half-year: what was received, is missing or late, is held or stale, and what a run would do now.

Belongs here: combining the contents of inbox, lake and releases, and the text of ``hcip status``. Does not belong here:
other ways to show it. The day is an argument: nothing that is released depends on it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts.payment_reasons import parse_holds
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf.receipts import in_force as archives_in_force
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.rests_on import outdated
from hcip_pipeline.settlement.recognition import outlook
from hcip_pipeline.settlement.refused_files import RefusedFile, refused_files

#: days after a quarter's end by which hospitals must have sent it (methodology §1)
QUARTER_DUE_DAYS = 45
#: state -> what ``hcip status`` prints for it, if it is not the same
_STATE_TEXT = {"in": "accepted"}


@dataclass(frozen=True)
class DeliveryStatus:
    """The delivery of one hospital, or of CMS, for a quarter or month.

    ``state``: ``in``, ``refused`` (and no earlier version is in force), ``in the inbox``, ``late`` or ``due``.
    ``note``: a later version that was refused; usually empty.
    """

    sender: str
    partition: str
    state: str
    due: str
    note: str = ""


@dataclass(frozen=True)
class Held:
    """Care partners of a hospital whose payments are held for one reason; with two reasons, they count under each."""

    hospital_ccn: str
    code: str
    why: str
    care_partners: int
    amount: str


@dataclass(frozen=True)
class OverCap:
    """A physician whose payable amounts of the year's other half-years exceed the year's fee-schedule cap."""

    hospital_ccn: str
    npi: str
    payable: str
    year_cap: str
    over_cap: str


@dataclass(frozen=True)
class PeriodStatus:
    """The status of one half-year on a day."""

    period: str
    day: str
    release: str | None
    deliveries: tuple[DeliveryStatus, ...]
    held: tuple[Held, ...]
    stale: tuple[dict[str, str | None], ...]
    unchanged: bool
    reasons: tuple[str, ...]
    changed_since_taken_in: tuple[dict[str, str], ...] = ()
    over_cap: tuple[OverCap, ...] = ()
    refused_files: tuple[RefusedFile, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def period_status(home: Home, period: PerformancePeriod, day: dt.date, policy_path: Path | None = None) -> PeriodStatus:
    """Determine the status of ``period`` on ``day``.

    Raises:
        HcipError: a reference table of the inbox is refused, or a receipt or the release cannot be read.
    """
    folders = releases_of(home, period)
    newest = ReleaseFiles.at(folders[-1]) if folders else None
    seen = outlook(home, period, policy_path)
    return PeriodStatus(
        str(period),
        str(day),
        f"r{newest.number}" if newest else None,
        (*_hospitals(home, period, day), *_claims(home, period, day)),
        tuple(_held(newest)) if newest else (),
        tuple(reason.as_dict() for reason in outdated(home, newest)) if newest else (),
        seen.unchanged is not None,
        seen.reasons,
        tuple(changed.as_dict() for changed in seen.changed_since),
        tuple(_over_cap(newest)) if newest else (),
        tuple(refused_files(home, period)),
    )


def known_periods(home: Home) -> list[PerformancePeriod]:
    """Half-years with a release or with program files in the inbox, in order."""
    folders = [*home.releases.glob("????H[12]"), *(home.inbox / "program").glob("????H[12]")]
    return sorted({PerformancePeriod.parse(folder.name) for folder in folders if folder.is_dir()})


def _hospitals(home: Home, period: PerformancePeriod, day: dt.date) -> Iterator[DeliveryStatus]:
    hospitals = _expected(home)
    for quarter in period.quarters:
        known = receipts(home, quarter)
        in_force = {receipt.ccn: receipt for receipt in known if receipt.in_force}
        refused = {receipt.ccn for receipt in known} - in_force.keys()
        due = quarter.end + dt.timedelta(days=QUARTER_DUE_DAYS)
        for ccn in hospitals:
            if ccn in in_force:
                state = "in"
            elif ccn in refused:
                state = "refused"
            else:
                state = _not_in(_was_sent(home, quarter, ccn), due, day)
            note = _refused_again(in_force[ccn], known) if ccn in in_force else ""
            yield DeliveryStatus(ccn, str(quarter), state, str(due), note)


def _refused_again(in_force: SubmissionReceipt, known: Iterable[SubmissionReceipt]) -> str:
    """A note on the hospital's newest submission of the quarter if it was sent after the one in force and refused."""
    later = [
        receipt
        for receipt in known
        if receipt.ccn == in_force.ccn and receipt.status == "refused" and receipt.version > in_force.version
    ]
    if not later:
        return ""
    newest = max(later, key=lambda receipt: receipt.version)
    why = next((f": {problem.rule}" for problem in newest.problems if problem.refuses), "")
    return f"{newest.submission} was refused{why}; {in_force.submission} is still in force"


def _expected(home: Home) -> list[str]:
    """Acute hospitals that have ever sent anything."""
    acute = load_reference(home.inbox)["hospitals"].filter(pl.col("acute") == "Y")["ccn"].to_list()
    receipt_files = (home.lake / "hospital" / "receipts").glob("quarter=*/*.json")
    sent = {path.name[:6] for path in (*receipt_files, *(home.inbox / "hospital").glob("*/*"))}
    return [ccn for ccn in acute if ccn in sent]


def _was_sent(home: Home, quarter: Quarter, ccn: str) -> bool:
    return any((home.inbox / "hospital" / str(quarter)).glob(f"{ccn}*"))


def _claims(home: Home, period: PerformancePeriod, day: dt.date) -> Iterator[DeliveryStatus]:
    have = {receipt.month for receipt in archives_in_force(home)}
    for month in period.months:
        due = month.next().end
        sent = any((home.inbox / "cms" / str(month)).glob("*"))
        yield DeliveryStatus("CMS", str(month), "in" if str(month) in have else _not_in(sent, due, day), str(due))


def _not_in(was_sent: bool, due: dt.date, day: dt.date) -> str:
    if was_sent:
        return "in the inbox"
    return "late" if day > due else "due"


def _held(release: ReleaseFiles) -> Iterator[Held]:
    found: dict[tuple[str, str], tuple[str, int, Decimal]] = {}
    held = release.table("incentives").filter(pl.col("status") == "HELD").sort("hospital_ccn", "npi")
    for ccn, codes, amount in held.select("hospital_ccn", "reasons", "final_incentive").iter_rows():
        for hold in parse_holds(codes):
            _, number, total = found.get((ccn, hold.code), ("", 0, Decimal(0)))
            found[ccn, hold.code] = (hold.auditor, number + 1, total + amount)
    for (ccn, code), (why, number, total) in sorted(found.items()):
        yield Held(ccn, code, why, number, str(total))


def _over_cap(release: ReleaseFiles) -> Iterator[OverCap]:
    if not release.has("year_caps"):
        return  # the release is older than this table
    for row in release.table("year_caps").filter(pl.col("over_cap") > 0).iter_rows(named=True):
        payable = row["earlier_payable"] + row["later_payable"]
        yield OverCap(row["hospital_ccn"], row["npi"], str(payable), str(row["year_cap"]), str(row["over_cap"]))


def status_lines(status: PeriodStatus, shown: int = 10) -> list[str]:
    """The status as lines of text."""
    lines = [f"{status.period}: {status.release or 'no release'}, on {status.day}"]
    senders: dict[str, list[DeliveryStatus]] = {}
    for delivery in status.deliveries:
        senders.setdefault(delivery.sender, []).append(delivery)
    for sender, sent in senders.items():
        reported = [f"{each.partition} {_STATE_TEXT.get(each.state, each.state)}{_due(each)}" for each in sent]
        lines.append(f"  {sender:<8}{', '.join(reported)}")
        lines += [f"          {each.note}" for each in sent if each.note]
    if status.held:
        lines.append("  held")
        lines += [
            f"    {each.hospital_ccn}  {each.care_partners:>4} {_partners(each.care_partners):<13}"
            f"  {Decimal(each.amount):>14,}  {each.why}"
            for each in status.held
        ]
    lines += [
        f"  over the cap of {status.period[:4]}: {each.hospital_ccn} {each.npi}: ${Decimal(each.payable):,} is payable,"
        f" the cap is ${Decimal(each.year_cap):,}; recover ${Decimal(each.over_cap):,}"
        for each in status.over_cap
    ]
    lines += [f"  stale: {reason['message']}; {reason['fix']}" for reason in status.stale]
    lines += [f"  not ingested: {changed['message']}; {changed['fix']}" for changed in status.changed_since_taken_in]
    lines += [f"  {refused}; {refused.fix}" for refused in status.refused_files]
    if status.unchanged:
        lines.append(f"  a run now: nothing changed since {status.release}")
    else:
        lines.append(f"  a run now: ingests new files and builds {status.period}, because")
        lines += [f"    {reason}" for reason in status.reasons[:shown]]
        if len(status.reasons) > shown:
            lines.append(f"    and {len(status.reasons) - shown} more (--json lists all)")
    return lines


def _due(delivery: DeliveryStatus) -> str:
    return (
        f" (since {delivery.due})"
        if delivery.state == "late"
        else (f" by {delivery.due}" if delivery.state == "due" else "")
    )


def _partners(count: int) -> str:
    return "care partner" if count == 1 else "care partners"
