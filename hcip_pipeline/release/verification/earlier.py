"""Earlier periods' releases (methodology §9): what they paid and saved, as far as they lie beside the release.

Belongs here: finding the release of each earlier period that this one was made from. Does not belong here: verifying
it, which is its own verification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from .exact import ZERO
from .package import MANIFEST, Package, read_manifest, sha256
from .report import Findings, UnreadableReleaseError
from .shapes import SHAPES
from .tables import Table, UnreadableTableError, read_csv

_NAMED = re.compile(r"releases/(?P<period>[0-9]{4}H[12])/(?P<number>r[0-9]+)/datapackage\.json")


@dataclass
class Earlier:
    """Figures of earlier periods.

    Attributes:
        period: the period of the release that is verified.
        incentives: (hospital, NPI, period) -> final incentive, where it was payable.
        savings: (hospital, scope, period) -> internal savings.
        absent: periods whose release was taken in and cannot be read here.
    """

    incentives: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    savings: dict[tuple[str, str, str], Decimal] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    def missing(self, first_period: str, year: int | None = None) -> list[str]:
        """Periods of a hospital's program (of one year, or all) whose release cannot be read here."""
        program = {period for period in self.absent if first_period and period >= first_period}
        return sorted(period for period in program if year in (None, int(period[:4])))

    def paid(self, ccn: str, first_period: str, year: int | None = None) -> dict[str, Decimal]:
        """NPI -> Σ of what the hospital's earlier program periods paid, of one calendar year or of all."""
        paid: dict[str, Decimal] = {}
        for (hospital, npi, period), amount in self.incentives.items():
            if hospital == ccn and first_period and period >= first_period and year in (None, int(period[:4])):
                paid[npi] = paid.get(npi, ZERO) + amount
        return paid

    def saved(self, ccn: str, first_period: str, scope: str) -> Decimal:
        """Σ internal savings of the hospital's earlier program periods."""
        return sum(
            (
                amount
                for (hospital, own_scope, period), amount in self.savings.items()
                if (hospital, own_scope) == (ccn, scope) and first_period and period >= first_period
            ),
            ZERO,
        )


def read_earlier(package: Package, findings: Findings) -> Earlier:
    """The releases that the manifest names among its inputs: of other periods nothing was paid or saved."""
    earlier = Earlier()
    for period, folder, stated_hash in _named(package):
        if not (folder / MANIFEST).is_file():
            earlier.absent.add(period)
            continue
        found = sha256(folder / MANIFEST)
        findings.fact("chain", MANIFEST, "hash of an earlier release", stated_hash, found, key=period)
        try:
            manifest = read_manifest(folder)
            _read(folder, manifest, period, earlier)
            _check_frozen(package, manifest, findings)
        except (UnreadableReleaseError, UnreadableTableError) as error:
            earlier.absent.add(period)
            findings.differ("chain", f"{period}/{folder.name}", "", "a release that can be read", str(error))
    return earlier


def _named(package: Package) -> Iterator[tuple[str, Path, str]]:
    root = package.folder.parent.parent
    for item in package.manifest.get("inputs", ()):
        if match := _NAMED.fullmatch(str(item.get("file"))):
            yield match["period"], root / match["period"] / match["number"], str(item.get("sha256"))


def _tables(folder: Path, manifest: Mapping[str, Any], name: str) -> Iterator[Table]:
    """A release's tables of one name; a file is read only as long as it has the hash that its manifest states."""
    shape = next(shape for shape in SHAPES.values() if shape.name == name)
    for resource in manifest["resources"]:
        path = resource["path"]
        if re.fullmatch(rf"{shape.folder}/HCIP_[^_]+_{name}_[^_]+_r[0-9]+\.csv", path):
            file = folder / path
            if not file.is_file() or resource["hash"] != f"sha256:{sha256(file)}":
                raise UnreadableTableError(f"{path} is not as its release states it", "")
            yield read_csv(file, path, shape)


def _read(folder: Path, manifest: Mapping[str, Any], period: str, earlier: Earlier) -> None:
    for table in _tables(folder, manifest, "incentives"):
        for row in table:
            if row["status"] != "PAYABLE":
                continue  # what is held was not paid
            earlier.incentives[row["hospital_ccn"], row["npi"], period] = row["final_incentive"]
    for table in _tables(folder, manifest, "savings"):
        for row in table:
            earlier.savings[row["hospital_ccn"], row["scope"], period] = row["internal_savings"]


def _check_frozen(package: Package, before: Mapping[str, Any], findings: Findings) -> None:
    """Norms are frozen for as long as the policy lives (§6)."""
    if before.get("policy", {}).get("sha256") != package.manifest.get("policy", {}).get("sha256"):
        return
    were, are = (
        [item["hash"] for item in manifest["resources"] if item["path"].startswith("audit/HCIP_STATE_norms_")]
        for manifest in (before, package.manifest)
    )
    findings.fact("frozen_norms", "audit/", "hash", were, are, key=f"as in {before['period']} {before['number']}")
