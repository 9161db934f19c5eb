"""How submissions of a hospital relate: which version is in force, what it changed, which files were sent before.

Belongs here: facts that need more than one receipt, recomputed each time so that the order of ingesting is irrelevant.
Does not belong here: the facts of one submission (``judging``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hcip_pipeline.intake.hospital import receipts as account
from hcip_pipeline.intake.hospital.limits import MAX_VOLUME_CHANGE, exceeds
from hcip_pipeline.intake.hospital.receipts import Change, FileReceipt, SubmissionReceipt, Tally
from hcip_pipeline.periods import Quarter
from hcip_pipeline.rules.problem import Problem

_DERIVED = ("S-VOLUME", "S-REPEATED")


def order(receipt: SubmissionReceipt) -> tuple[str, str, int, str]:
    """Sort key by quarter, hospital and version; folders without a hospital's name come last."""
    return (receipt.quarter, receipt.ccn or "~", receipt.version, receipt.stem)


def with_problem(receipt: SubmissionReceipt, problem: Problem) -> SubmissionReceipt:
    """The receipt with one more problem; problems that refuse come first."""
    problems = sorted((*receipt.problems, problem), key=lambda p: not p.refuses)
    return replace(receipt, problems=tuple(problems))


def settle(of_quarter: Iterable[SubmissionReceipt], others: Iterable[SubmissionReceipt]) -> list[SubmissionReceipt]:
    """Receipts of one quarter, in order, with all facts that depend on the other receipts of the lake."""
    own = [_without_context(receipt) for receipt in sorted(of_quarter, key=order)]
    elsewhere = [_without_context(receipt) for receipt in others]
    first = _first_senders([*own, *elsewhere])
    settled: list[SubmissionReceipt] = []
    for receipt in own:
        versions = [r for r in own if r.ccn == receipt.ccn and r.ccn]
        settled.append(_among_versions(_repeated(_volume(receipt, elsewhere), first), versions))
    return settled


def _without_context(receipt: SubmissionReceipt) -> SubmissionReceipt:
    files = tuple(
        replace(file, rows=_not_superseded(file.rows), dollars=_not_superseded(file.dollars), same_as=None)
        for file in receipt.files
    )
    problems = tuple(problem for problem in receipt.problems if problem.rule not in _DERIVED)
    return replace(receipt, files=files, problems=problems, in_force=False, superseded_by=None, change=None)


def _not_superseded(tally: Tally) -> Tally:
    return Tally(tally.read, tally.accepted + tally.superseded, tally.quarantined)


def _among_versions(receipt: SubmissionReceipt, versions: list[SubmissionReceipt]) -> SubmissionReceipt:
    if receipt.status != "accepted":
        return receipt
    accepted = [r for r in versions if r.status == "accepted"]
    before = [r for r in accepted if r.version < receipt.version]
    after = [r for r in accepted if r.version > receipt.version]
    if before:
        receipt = replace(receipt, change=_change(before[-1], receipt))
    return account.superseded(receipt, by=after[0].submission) if after else replace(receipt, in_force=True)


def _change(old: SubmissionReceipt, new: SubmissionReceipt) -> Change:
    def dollars(receipt: SubmissionReceipt) -> Decimal:
        file = receipt.file("discharges")
        return file.dollars.accepted if file else Decimal(0)

    return Change(
        old.submission,
        new.rows("discharges") - old.rows("discharges"),
        new.rows("charges") - old.rows("charges"),
        dollars(new) - dollars(old),
    )


def _volume(receipt: SubmissionReceipt, elsewhere: list[SubmissionReceipt]) -> SubmissionReceipt:
    """Compare accepted discharges with those in force for the same quarter a year earlier."""
    if receipt.status != "accepted" or not receipt.ccn:
        return receipt
    year_before = str(Quarter.parse(receipt.quarter).year_before())
    before = [r for r in elsewhere if r.ccn == receipt.ccn and r.quarter == year_before and r.status == "accepted"]
    if not before:
        return receipt
    old, new = max(before, key=lambda r: r.version).rows("discharges"), receipt.rows("discharges")
    if not exceeds(abs(new - old), old, MAX_VOLUME_CHANGE):
        return receipt
    return with_problem(receipt, Problem("S-VOLUME", f"{new} discharges, {old} in {year_before}"))


def _first_senders(everything: list[SubmissionReceipt]) -> dict[str, tuple[SubmissionReceipt, FileReceipt]]:
    first: dict[str, tuple[SubmissionReceipt, FileReceipt]] = {}
    for receipt in sorted(everything, key=order):
        for file in receipt.files:
            if file.table and file.sha256 and file.bytes:
                first.setdefault(file.sha256, (receipt, file))
    return first


def _repeated(receipt: SubmissionReceipt, first: dict[str, tuple[SubmissionReceipt, FileReceipt]]) -> SubmissionReceipt:
    files = []
    for file in receipt.files:
        sender = first.get(file.sha256) if file.table else None
        is_repeat = sender is not None and sender[0].submission != receipt.submission
        files.append(
            replace(file, same_as=f"{sender[0].submission}/{sender[1].name}") if sender and is_repeat else file
        )
    repeated = [file for file in files if file.table]
    receipt = replace(receipt, files=tuple(files))
    if repeated and all(file.same_as for file in repeated):
        return with_problem(receipt, Problem("S-REPEATED", f"the same files as {repeated[0].same_as}"))
    return receipt
