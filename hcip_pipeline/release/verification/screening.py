"""Payments held because of a national list, from the release's own table of the records found there.

Belongs here: which records hold a payment. Does not belong here: the lists, which no release contains.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from .package import Package
from .report import Findings
from .tables import Row

#: in the order in which ``reasons`` names them
_HOLDS = ("NPI_NOT_AN_INDIVIDUAL", "NPI_DEACTIVATED")
_LEAST_SIMILARITY = Decimal("0.92")

#: hospital -> NPI -> codes of its holds
Held = Mapping[str, Mapping[str, list[str]]]


def check_screening(package: Package, findings: Findings) -> Held:
    """Check the records of ``screening``; a release made without a national list lacks this table.

    A release made from NPPES must have it, because holds follow from it.
    """
    table = package.optional("audit", "screening")
    files = [str(item.get("file")).lower() for item in package.manifest.get("inputs", ())]
    if any(file.startswith("reference/nppes.") for file in files):
        findings.fact("screening", "audit/", "", "a table", "none" if table is None else "a table", "STATE screening")
    found: dict[str, dict[str, set[str]]] = {}
    if table is None:
        return {}
    failed = _failed(package)
    for row in table:
        _check_record(row, (row["hospital_ccn"], row["npi"]) in failed, findings)
        if row["effect"] == "hold":
            found.setdefault(row["hospital_ccn"], {}).setdefault(row["npi"], set()).add(row["reason"])
    return {
        ccn: {npi: [code for code in _HOLDS if code in codes] for npi, codes in partners.items()}
        for ccn, partners in found.items()
    }


def _failed(package: Package) -> set[tuple[str, str]]:
    """Hospital and NPI of care partners whose screening failed, which answers every question."""
    inputs = (row for ccn in package.hospitals for row in package.table("payment_inputs", ccn))
    return {(row["hospital_ccn"], row["npi"]) for row in inputs if row["screening_status"] == "failed"}


def _check_record(row: Row, has_failed: bool, findings: Findings) -> None:
    is_cleared = bool(row["cleared_by"])
    if row["reason"] == "EXCLUSION_NAME_MATCH":
        effect = "answered" if is_cleared or has_failed else "question"
        findings.compare("screening", row, {"effect": effect})
        alike = row["similarity"] is not None and row["similarity"] >= _LEAST_SIMILARITY
        findings.require("screening", row, "similarity", alike, "at least 0.92")
        in_time = not is_cleared or row["cleared_on"] >= row["listed_on"]
        findings.require("screening", row, "cleared_on", in_time, "not before the exclusion")
    else:
        findings.compare("screening", row, {"effect": "hold" if row["reason"] in _HOLDS else "noted"})
        findings.require("screening", row, "cleared_by", not is_cleared, "no one: only a question can be answered")
