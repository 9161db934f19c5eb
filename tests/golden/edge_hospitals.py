"""One hospital per edge case: many edges of the waterfall, settled at once.

Belongs here: making and changing the hospitals of such a state. Does not belong here: the edges and their results.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hcip_pipeline.policy.model import Elections
from tests.scenario import Case, Norm, Scenario, npi

D = Decimal
DAY = dt.date(2025, 2, 1)
#: the whole MPI of 100.00 is for performance, and a dollar of cost is a cent of incentive
NORMS = [Norm(10_000, 20_000, 100)]
POLICY = {"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"], "improvement_share": 0}
A = npi(1)


def earning(amount: str, physician: str, hospital: str) -> Case:
    """A case that earns ``amount`` dollars, at most 100."""
    return Case(physician, D(20_000) - 100 * D(amount), DAY, hospital=hospital)


class Edges(Scenario):
    """A scenario to which each edge adds a hospital."""

    def __init__(self) -> None:
        super().__init__([], policy=POLICY, norms=NORMS, in_order=True)
        self._ccn = 210100

    def hospital(self, *amounts: str) -> Hospital:
        """A hospital with the calculated incentives ``amounts`` of physicians 1, 2, ..., by default paid in full."""
        self._ccn += 1
        self.cases += [earning(amount, npi(number), str(self._ccn)) for number, amount in enumerate(amounts, start=1)]
        return Hospital(self, str(self._ccn))


class Hospital:
    """A hospital of a state; each method changes something about it. ``A`` is its first physician."""

    def __init__(self, state: Scenario, ccn: str) -> None:
        self.state, self.ccn = state, ccn

    def amend(self, table: str, **values: Any) -> Hospital:
        """Set columns in the hospital's rows of a table; see ``Scenario.amend``."""
        self.state.amend(table, hospital_ccn=self.ccn, **values)
        return self

    def drop(self, *tables: str, **where: Any) -> Hospital:
        """Remove the hospital's rows from tables."""
        for table in tables:
            self.state.drop(table, hospital_ccn=self.ccn, **where)
        return self

    def certified(self, **values: Any) -> Hospital:
        """Change A's row of the certified list."""
        return self.amend("care_partners", npi=A, **values)

    def weights(self, **weights: str) -> Hospital:
        """Replace the default condition by conditions with these weights."""
        self.drop("conditions")
        for name, weight in weights.items():
            self.amend("conditions", condition_id=name, description=name, weight_percent=D(weight))
        return self

    def met(self, **outcomes: str | None) -> Hospital:
        """Set A's reported result for each condition."""
        for name, outcome in outcomes.items():
            self.amend("condition_results", npi=A, condition_id=name, met=outcome)
        return self

    def notice(self, approved_amount: str) -> Hospital:
        """Set A's notice of the fee-schedule cap for the year."""
        return self.amend("pfs_cap_notices", npi=A, calendar_year=2025, approved_amount=D(approved_amount))

    def claims(self, approved_amount: str, year: int = 2025) -> Hospital:
        """Add an approved amount for A from claims."""
        self.state.estimates.append((self.ccn, A, year, D(approved_amount)))
        return self

    def elects(self, **elections: Decimal) -> Hospital:
        self.state.elections[self.ccn] = Elections(**elections)
        return self

    def pool(self, amount: str, contested: str = "N") -> Hospital:
        return self.amend("pool_notices", incentive_pool=D(amount), contested=contested)

    def without_protocol(self) -> Hospital:
        return self.drop("protocols", "conditions", "protocol_interventions", "condition_results")

    def listed(self, *records: tuple[str, str]) -> Hospital:
        """Add a record of a national list about A (formats.md, §4): reason and effect."""
        for reason, effect in records:
            self.amend("screening", npi=A, reason=reason, source="list", list_row=2, effect=effect)
        return self
