"""Successive half-years in plain Python: methodology §9, §10 and §15 over time, with ``fractions``.

Belongs here: what a half-year uses from earlier ones. Does not belong here: anything imported from the pipeline, or
learned from its SQL; this is an independent opinion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.golden.plain_cases import Row, Tables
from tests.golden.plain_settlement import Settlement, settle
from tests.golden.plain_waterfall import program_year


def program_start(named: Sequence[str], corrected: str | None) -> dict[str, Any]:
    """When a program began: by the first accepted protocol, or an approved correction. A conflict holds payments."""
    return {
        "first_performance_period": corrected or (named[0] if named else None),
        "is_first_period_changed": corrected is None and len(set(named)) > 1,
    }


@dataclass
class Periods:
    """The newest settlement of each half-year, for use by later ones."""

    newest: dict[str, Settlement] = field(default_factory=dict)

    def settle(
        self,
        period: str,
        own: Tables,
        folders: Mapping[str, Tables],
        named: Mapping[str, Sequence[str]],
        corrected: Mapping[str, str],
        policy: Row,
        elections: Mapping[str, Row],
    ) -> Settlement:
        """Settle a half-year, for the first time or again.

        Args:
            own: its cases, references and program files.
            folders: half-year -> current content of its program folder.
            named: hospital -> the first period named in each of its protocols, in the order of acceptance.
            corrected: hospital -> first period by an approved correction.
        """
        before = sorted(each for each in self.newest if each < period)
        tables = dict(own)
        tables["programs"] = [
            {"hospital_ccn": ccn} | start | {"program_year": program_year(start["first_performance_period"], period)}
            for ccn in named.keys() | corrected.keys()
            for start in [program_start(named.get(ccn, ()), corrected.get(ccn))]
        ]
        tables["earlier_incentives"] = [
            {"period": each, "hospital_ccn": ccn, "npi": npi, "final_incentive": row["final_incentive"]}
            for each in before
            for (ccn, npi), row in self.newest[each].incentives.items()
            # A payment that waits only until a later half-year is settled again counts in that settlement.
            if row["status"] == "PAYABLE" or (row["status"] == "HELD" and row["held"] == {"LATER_PERIOD_PAID"})
        ]
        tables["later_payments"] = [
            {"period": each, "hospital_ccn": ccn, "npi": npi, "final_incentive": row["final_incentive"]}
            | {"year_cap": row["year_cap"]}
            for each in sorted(self.newest)
            if each > period and each[:4] == period[:4]
            for (ccn, npi), row in self.newest[each].incentives.items()
            if row["status"] == "PAYABLE"
        ]
        tables["earlier_savings"] = [
            {"period": each, "hospital_ccn": ccn, "scope": scope, "internal_savings": row["internal_savings"]}
            for each in before
            for (ccn, scope), row in self.newest[each].savings.items()
        ]
        tables["earlier_other_program_amounts"] = [
            dict(row) | {"period": each}
            for each, folder in folders.items()
            if each < period
            for row in folder.get("other_program_amounts", ())
        ]
        self.newest[period] = settle(tables, policy, elections, period)
        return self.newest[period]
