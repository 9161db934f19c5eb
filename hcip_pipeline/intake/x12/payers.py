"""The payer of a bill (claim filing indicator, SBR09) as one of the state's payer codes.

The indicator is coarser: it does not distinguish Medicaid managed care from Medicaid, or the Blue Cross plans from each
other. If that matters, the grouping file gives ``primary_payer``.
"""

from __future__ import annotations

from collections.abc import Mapping

#: SBR09 -> payer
PAYER_OF: Mapping[str, str] = {
    "MA": "01", "MB": "01",  # Medicare
    "16": "15",  # Medicare risk, which is Medicare Advantage
    "MC": "02",  # Medicaid
    "TV": "03",  # Title V
    "BL": "04",  # Blue Cross
    "CI": "05", "12": "05", "13": "05", "14": "05", "15": "05",  # commercial: PPO, POS, EPO, indemnity
    "CH": "06", "VA": "06", "OF": "06", "FI": "06",  # other government: TRICARE, veterans, federal employees
    "WC": "07",  # workers' compensation
    "09": "08",  # self-pay
    "HM": "12",  # HMO
    "11": "10", "17": "10", "AM": "10", "DS": "10", "LM": "10",  # other
    "ZZ": "99",
}  # fmt: skip


def marked(code: str) -> str:
    """SQL for an unknown code, marked so that it cannot coincide with one of our codes, and is reported."""
    return f"'X12 ' || {code}"


def payer_sql(indicator: str) -> str:
    """SQL for our payer code of an indicator; an unknown indicator is marked and reported."""
    cases = " ".join(f"when '{code}' then '{payer}'" for code, payer in PAYER_OF.items())
    return f"case {indicator} {cases} when '' then '' else {marked(indicator)} end"
