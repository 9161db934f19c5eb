"""The payer of a bill (claim filing indicator, SBR09) as one of the state's payer codes.

The indicator is coarser: it does not set Medicaid managed care apart from Medicaid, nor the plans of Blue Cross from
each other. Where that matters the grouping file states ``primary_payer``.
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
    """SQL of a code that bills do not have, marked so that it is never one of ours by coincidence, and is reported."""
    return f"'X12 ' || {code}"


def payer_sql(indicator: str) -> str:
    """SQL of our payer code for an indicator; an unknown indicator is marked, and reported."""
    cases = " ".join(f"when '{code}' then '{payer}'" for code, payer in PAYER_OF.items())
    return f"case {indicator} {cases} when '' then '' else {marked(indicator)} end"
