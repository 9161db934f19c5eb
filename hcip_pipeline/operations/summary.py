"""A run's report to the person who started it: what was calculated for each hospital, and where the files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from hcip_pipeline.contracts.payment_reasons import PaymentReason, parse_holds, parse_reasons
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.plain_lines import wrapped
from hcip_pipeline.publishing.writer import Release
from hcip_pipeline.reference.invented import MARK
from hcip_pipeline.release.explained_release import names_of
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.reports.words import plural
from hcip_pipeline.tables.file_names import shown_unknown

if TYPE_CHECKING:
    from rich.table import Table

    from hcip_pipeline.assets.execution import IngestReport
    from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt

#: most hospitals that a line of the summary names
_NAMED = 4
#: steps of the waterfall that reduce the calculated incentive
_REDUCING = ("conditions", "standing", "committee", "pfs_cap", "distribution_limit")


def hospital_totals(release: Release) -> pl.DataFrame:
    """One row per hospital: care partners, cases, and calculated, final, payable and held incentives."""
    incentives = released_frame(release.folder, "incentives")
    return (
        incentives.group_by("hospital_ccn")
        .agg(
            pl.len().alias("care_partners"),
            (pl.col("medical_cases") + pl.col("surgical_cases")).sum().alias("cases"),
            pl.col("performance_incentive").sum(),
            (pl.col("improvement_incentive_medical") + pl.col("improvement_incentive_surgical"))
            .sum()
            .alias("improvement_incentive"),
            pl.col("calculated_incentive").sum(),
            pl.col("final_incentive").sum(),
            _final_where("PAYABLE").alias("payable"),
            _final_where("HELD").alias("held"),
        )
        .sort("hospital_ccn")
    )


def _final_where(status: str) -> pl.Expr:
    return pl.col("final_incentive").filter(pl.col("status") == status).sum()


def release_facts(release: Release, ledger_head: str = "") -> dict[str, Any]:
    """The facts of a release for JSON."""
    return {
        "period": release.period,
        "release": release.name,
        "is_new": release.is_new,
        "folder": str(release.folder),
        "files": release.files,
        "hospitals": hospital_totals(release).to_dicts(),
        "ledger_head": ledger_head,
    }


def demo_periods(home: Home) -> list[PerformancePeriod]:
    """The two half-years of the last year that the inbox covers."""
    last = max(path.name for path in (home.inbox / "hospital").iterdir())
    return [PerformancePeriod(int(last[:4]), 1), PerformancePeriod(int(last[:4]), 2)]


def closing_lines(release: Release, hospitals: Mapping[str, str]) -> list[str]:
    """How many payments go to how many care partners, and why others are zero or held.

    Args:
        hospitals: CMS certification number -> name, as far as known.
    """
    incentives = released_frame(release.folder, "incentives")
    by_status = ", ".join(
        f"{number:,} {status.lower()}"
        for status in ("PAYABLE", "HELD", "ZERO")
        if (number := incentives.filter(pl.col("status") == status).height)
    )
    people = incentives["npi"].n_unique()  # a care partner of several hospitals has a payment from each
    lines = [f"{plural(incentives.height, 'payment')} to {plural(people, 'care partner')}: {by_status or 'none'}"]
    for status, title in (("HELD", "held"), ("ZERO", "zero")):
        rows = incentives.filter(pl.col("status") == status)
        if rows.is_empty():
            continue
        lines.append(f"{title}, because")
        by_reason = list(_by_reason(rows, is_hold=status == "HELD"))
        for reason, found in by_reason:
            places = found["hospital_ccn"].unique().sort().to_list()
            if status == "HELD":
                amount = f"  {found['final_incentive'].sum():>14,}"
                places = [f"{ccn} {hospitals.get(ccn, '')}".strip() for ccn in places]
            else:
                amount = ""
            lines.append(f"  {found.height:>5,}{amount}  {reason} ({_first(places)})")
        if sum(found.height for _, found in by_reason) > rows.height:
            lines.append("         (a payment with several reasons counts under each)")
    return lines


def _first(places: Sequence[str]) -> str:
    """The names of all hospitals if they are few, else of the first few and how many more there are."""
    if len(places) <= _NAMED + 1:
        return ", ".join(places)
    return f"{', '.join(places[:_NAMED])} and {len(places) - _NAMED} more hospitals"


def _is_synthetic(release: Release) -> bool:
    manifest = release.folder / MANIFEST
    return manifest.is_file() and bool(read_record(manifest).get("synthetic"))


def _by_reason(rows: pl.DataFrame, *, is_hold: bool) -> list[tuple[str, pl.DataFrame]]:
    """Each reason as text with its payments, most frequent first; for a zero payment, the reason that made it zero."""
    found: dict[str, list[int]] = {}
    for at, (codes, calculated) in enumerate(rows.select("reasons", "calculated_incentive").iter_rows()):
        for reason in parse_holds(codes) if is_hold else _of_zero(codes, calculated):
            found.setdefault(reason.auditor, []).append(at)
    return [(why, rows[places]) for why, places in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))]


def _of_zero(codes: str | None, calculated: Decimal) -> list[PaymentReason]:
    """The last step that reduced the calculated incentive; if nothing was calculated, the first reason."""
    reasons = list(parse_reasons(codes))
    reductions = [reason for reason in reasons if reason.step in _REDUCING]
    return reductions[-1:] if calculated and reductions else reasons[:1]


def _totals_table(release: Release, hospitals: Mapping[str, str]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    suffix = "" if release.is_new else " (nothing changed since it was released)"
    if _is_synthetic(release):
        suffix += f", {MARK}"
    table = Table(
        title=f"{release.period} {release.name}{suffix}, US dollars",
        title_justify="left",
        box=SIMPLE,
        padding=(0, 1),
        pad_edge=False,
    )
    table.add_column("hospital", no_wrap=True)
    for name in ("care partners", "cases", "calculated", "final", "payable", "held"):
        table.add_column(name, justify="right", no_wrap=name != "care partners")
    if hospitals:
        table.add_column("", no_wrap=True)
    totals = hospital_totals(release).drop("performance_incentive", "improvement_incentive")
    for ccn, *figures in totals.rows():
        table.add_row(ccn, *(f"{figure:,}" for figure in figures), *([hospitals.get(ccn, "")] if hospitals else []))
    if totals.height:
        table.add_section()
        table.add_row("all", *(f"{figure:,}" for figure in totals.select(pl.exclude("hospital_ccn").sum()).row(0)))
    return table


def print_whole(table: Table) -> None:
    """Print to standard output. A table wider than the terminal gets broken lines rather than cut dollars."""
    from rich.console import Console

    needed = Console(width=1000).measure(table).maximum
    Console(width=max(needed, Console().width)).print(table)


def print_releases(home: Home, releases: list[Release]) -> None:
    """Print releases to standard output, for a person."""
    from rich.console import Console

    console = Console()
    hospitals = names_of(home).hospitals
    for release in releases:
        print_whole(_totals_table(release, hospitals))
        for line in closing_lines(release, hospitals):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
        console.print(f"reports: {release.folder / 'reports' / 'index.html'}", soft_wrap=True, highlight=False)
        console.print(f"files: {release.folder}", soft_wrap=True, highlight=False)
    print_head(home)


def print_head(home: Home) -> None:
    """Print the head of the home's ledger, for the person to keep."""
    from rich.console import Console

    from hcip_pipeline.ledger.lines import head_of

    if head := head_of(home):
        console = Console(highlight=False)
        console.print(f"ledger head: {head}", soft_wrap=True)
        console.print(
            "Keep it: with it, anyone can check later whether anything recorded so far was changed "
            "(`hcip verify RELEASE --head HEAD`).",
            soft_wrap=True,
            markup=False,
        )


def print_ingest(home: Home, report: IngestReport) -> None:
    """Print what was accepted, by partition, refusals with their reasons, and conversions that were made."""
    for key, receipts in report.submissions.items():
        _print_submissions(key, receipts)
    for key, archives in report.archives.items():
        accepted = [archive for archive in archives if archive.accepted]
        records = sum(file.records_read for archive in accepted for file in archive.files)
        _say(f"{key}: {len(accepted)} CMS archives, {records:,} records accepted")
        for archive in archives:
            for warning in archive.warnings:
                _say(f"note on {archive.archive}: {warning.rule}: {warning.message}", 2)
            if not archive.accepted:
                _say(f"refused {archive.archive}: {archive.refusal}", 2)
                _say(f"What to do: {archive.fix}", 4)
    for key, period_intake in report.periods.items():
        _say(f"{key}: program files, protocols and reference tables")
        for form in period_intake.program.receipts:
            if form.status != "absent" and (form.problems or form.table.startswith("survey_")):
                print(form.details(indent=2))
        for protocol in period_intake.protocols:
            for problem in protocol.problems:
                if problem.rule == "PROTOCOL-REFUSED":
                    _say(f"refused protocols/{protocol.ccn}/{protocol.year}.yaml: {problem.message}", 2)
                    _say(f"What to do: {problem.fix}", 4)
        for name in period_intake.program.unknown_files:
            _say(f"ignored: program/{key}/{name} is not a program file", 2)
    for folder in report.unknown_folders:
        _say(f"ignored: inbox/{folder} is not named for a quarter, month or half-year")
    print(f"lake: {home.lake}")


def _print_submissions(key: str, receipts: Sequence[SubmissionReceipt]) -> None:
    accepted = [receipt for receipt in receipts if receipt.status == "accepted"]
    rows = sum(receipt.rows("discharges") for receipt in accepted)
    quarantined = sum(receipt.rows("discharges", "quarantined") for receipt in accepted)
    _say(f"{key}: {len(accepted)} submissions, {rows:,} discharges accepted, {quarantined:,} quarantined")
    for receipt in receipts:
        for refusal in receipt.refusals:
            where = f"{shown_unknown(refusal.file)}: " if refusal.file else ""
            line = f" (line {refusal.row})" if refusal.row else ""
            _say(f"refused {receipt.submission}: {where}{refusal.message}{line} [{refusal.rule}]", 2)
            _say(f"What to do: {refusal.fix}", 4)
        if receipt.change is not None:
            change = receipt.change
            _say(
                f"{receipt.submission} compared with {change.against}: {change.discharges:+,} discharges,"
                f" {change.charge_lines:+,} charge lines, {change.total_charges:+,.2f} dollars of charges",
                2,
            )


def _say(words: str, indent: int = 0) -> None:
    print(wrapped(words, indent, indent + 2))
