"""Asset checks on a release. Blocking checks form the release gate; the others only warn.

Belongs here: conditions of a release, checked on its build, files and manifest. Does not belong here: refusing to write
a release (``publishing.writer``), or recomputing it (``release.verification``).
"""

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from hcip_pipeline.contracts.payment_reasons import parse_holds
from hcip_pipeline.files.hashes import file_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hcip_pipeline.release.rests_on import Outdated
    from hcip_pipeline.settlement.period import PeriodBuild
    from hcip_pipeline.warehouse.build import BuildResult

RESTS_ON_CURRENT = "rests_on_current_releases"

_GATE = {
    "everything_passed": "Every model and check of this build passed; a skipped one counts as not passed.",
    "files_as_stated": "Every file of the release has the size and hash that its manifest states.",
    "totals_as_built": "Calculated and final incentives in the release's files equal those of the build, to the cent.",
}
_WARNINGS = {
    "nothing_is_missing": "No hospital's data, CMS month or earlier release that the period needs is missing, "
    "and no earlier half-year is due for a restatement.",
    RESTS_ON_CURRENT: "Every earlier release that this one was made from is still the newest of its half-year. The "
    "check fails for a later half-year once an earlier one is restated, and passes when the later one is run again.",
    "nothing_is_held": "No payment is held. A held payment is paid once its reason is resolved and the period is "
    "run again.",
}


#: check -> its description and whether it blocks
RELEASE_CHECKS = {name: (text, name in _GATE) for name, text in (_GATE | _WARNINGS).items()}


def everything_passed(asset: dg.AssetKey, build: "BuildResult") -> dg.AssetCheckResult:
    """Check that every model and test passed. A skipped one did not, and an empty build fails."""
    statuses = Counter(node.status for node in build.nodes)
    failed = [node.unique_id.split(".")[2] for node in build.nodes if node.status not in ("success", "pass")]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="everything_passed",
        passed=bool(build.nodes) and not failed,
        metadata={
            "models": statuses["success"],
            "checks passed": statuses["pass"],
            "did not pass": len(failed),
            "which": ", ".join(failed[:20]) or "none",
        },
    )


def nothing_is_missing(asset: dg.AssetKey, built: "PeriodBuild") -> dg.AssetCheckResult:
    """Check that the period was settled with all its inputs."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="nothing_is_missing",
        passed=not built.notes,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, built.notes[:5])) or None,
        metadata={"missing": len(built.notes), "what": dg.MetadataValue.json([str(note) for note in built.notes])},
    )


@dataclass(frozen=True)
class Paid:
    """Totals of a release's incentives; ``hold_reasons`` counts held care partners by the code of each hold."""

    partners: int
    calculated: Decimal
    final: Decimal
    payable: Decimal
    held: Decimal
    held_partners: int
    hold_reasons: dict[str, int]

    @classmethod
    def read(cls, folder: Path) -> "Paid":
        """Read the payments of a release."""
        import polars as pl

        from hcip_pipeline.release.reading import released_frame

        rows = released_frame(folder, "incentives")
        held = rows.filter(pl.col("status") == "HELD")
        holds = Counter(hold.code for codes in held["reasons"] for hold in parse_holds(codes))
        payable = rows.filter(pl.col("status") == "PAYABLE")
        return cls(
            rows.height,
            _sum(rows["calculated_incentive"]),
            _sum(rows["final_incentive"]),
            _sum(payable["final_incentive"]),
            _sum(held["final_incentive"]),
            held.height,
            dict(holds),
        )


def _sum(series: Any) -> Decimal:
    return Decimal(series.sum() or 0)


def nothing_is_held(asset: dg.AssetKey, paid: Paid) -> dg.AssetCheckResult:
    """Check that no payment is held; warns only."""
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="nothing_is_held",
        passed=not paid.held_partners,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"${paid.held:,} for {paid.held_partners} care partners: "
        + ", ".join(f"{reason} {count}" for reason, count in sorted(paid.hold_reasons.items()))
        if paid.held_partners
        else None,
        metadata={
            "care partners held": paid.held_partners,
            "dollars held": float(paid.held),
            "reasons": dg.MetadataValue.json(paid.hold_reasons),
        },
    )


def rests_on_current_releases(asset: dg.AssetKey, stale: "Sequence[Outdated]") -> dg.AssetCheckResult:
    """Check that the release rests on current releases.

    Args:
        stale: why it does not (``release.rests_on.outdated``).
    """
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name=RESTS_ON_CURRENT,
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description=_why_stale(stale),
        metadata=_stale_metadata(stale),
    )


def stale_since(asset: dg.AssetKey, partition: str, stale: "Sequence[Outdated]") -> dg.AssetCheckEvaluation:
    """The same check for a later half-year that the run of an earlier one has just made stale."""
    return dg.AssetCheckEvaluation(
        asset_key=asset,
        check_name=RESTS_ON_CURRENT,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=_why_stale(stale),
        metadata=_stale_metadata(stale),
        blocking=False,
        partition=partition,
    )


def _why_stale(stale: "Sequence[Outdated]") -> str | None:
    return "; ".join(str(reason) for reason in stale) or None


def _stale_metadata(stale: "Sequence[Outdated]") -> dict[str, dg.MetadataValue]:
    from hcip_pipeline.release.rests_on import RULE

    fixes = list(dict.fromkeys(reason.fix for reason in stale))
    return {
        "superseded releases": dg.MetadataValue.int(len(stale)),
        "rule": dg.MetadataValue.text(RULE if stale else "none"),
        "what to do": dg.MetadataValue.text("; ".join(fixes) or "nothing"),
    }


def totals_as_built(asset: dg.AssetKey, paid: Paid, build: "BuildResult") -> dg.AssetCheckResult:
    """Check that the released totals equal those of the build."""
    import duckdb

    with duckdb.connect(build.file, read_only=True) as connection:
        row = connection.execute(
            "select coalesce(sum(calculated_incentive), 0), coalesce(sum(final_incentive), 0) from marts.incentives"
        ).fetchone()
    built = tuple(map(Decimal, row or (0, 0)))
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="totals_as_built",
        passed=built == (paid.calculated, paid.final),
        metadata={
            "calculated, built": float(built[0]),
            "calculated, released": float(paid.calculated),
            "final, built": float(built[1]),
            "final, released": float(paid.final),
        },
    )


def files_as_stated(asset: dg.AssetKey, folder: Path) -> dg.AssetCheckResult:
    """Check that every file has the size and hash that the manifest states."""
    listed = _listed_files(json.loads((folder / "datapackage.json").read_text(encoding="utf-8")))
    wrong = [path for path, size, sha256 in listed if not _matches(folder / path, size, sha256)]
    return dg.AssetCheckResult(
        asset_key=asset,
        check_name="files_as_stated",
        passed=bool(listed) and not wrong,
        metadata={"files": len(listed), "files that differ": ", ".join(wrong[:20]) or "none"},
    )


def _listed_files(content: Any) -> "list[tuple[str, int, str]]":
    """Path, size and SHA-256 of every file that a manifest lists, at any depth."""
    if isinstance(content, list):
        return [file for item in content for file in _listed_files(item)]
    if not isinstance(content, dict):
        return []
    inner = [file for value in content.values() for file in _listed_files(value)]
    if {"path", "bytes", "hash"} <= content.keys():
        inner.append((content["path"], content["bytes"], str(content["hash"]).removeprefix("sha256:")))
    return inner


def _matches(path: Path, size: int, sha256: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    return file_sha256(path) == sha256
