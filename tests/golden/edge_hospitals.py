"""One hospital an edge: many edges of the waterfall, settled at once.

Belongs here: how a hospital of such a state is made and changed. Does not belong here: any edge, or what comes of it.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from hcip_pipeline.policy.model import Elections
from tests.scenario import Case, Norm, Scenario, npi

D = Decimal
DAY = dt.date(2025, 2, 1)
#: all of the MPI of 100.00 is for performance, and a dollar of cost is a cent of it
NORMS = [Norm(10_000, 20_000, 100)]
POLICY = {"exclusions": ["NO_RESPONSIBLE_PHYSICIAN"], "improvement_share": 0}
A = npi(1)


def earning(amount: str, physician: str, hospital: str) -> Case:
    """A case that earns ``amount`` dollars, at most 100."""
    return Case(physician, D(20_000) - 100 * D(amount), DAY, hospital=hospital)


class Edges(Scenario):
    """A scenario that grows a hospital an edge."""

    def __init__(self) -> None:
        super().__init__([], policy=POLICY, norms=NORMS, in_order=True)
        self._ccn = 210100

    def hospital(self, *amounts: str) -> Hospital:
        """A hospital whose physicians 1, 2, ... calculate to ``amounts``; by default they are paid in full."""
        self._ccn += 1
        self.cases += [earning(amount, npi(number), str(self._ccn)) for number, amount in enumerate(amounts, start=1)]
        return Hospital(self, str(self._ccn))


class Hospital:
    """A hospital of a state; each method changes something of it. ``A`` is its first physician."""

    def __init__(self, state: Scenario, ccn: str) -> None:
        self.state, self.ccn = state, ccn

    def amend(self, table: str, **values: Any) -> Hospital:
        """Set columns in its rows of a table; see ``Scenario.amend``."""
        self.state.amend(table, hospital_ccn=self.ccn, **values)
        return self

    def drop(self, *tables: str, **where: Any) -> Hospital:
        """Leave its rows of tables out."""
        for table in tables:
            self.state.drop(table, hospital_ccn=self.ccn, **where)
        return self

    def certified(self, **values: Any) -> Hospital:
        """What the certified list has of A."""
        return self.amend("care_partners", npi=A, **values)

    def weights(self, **weights: str) -> Hospital:
        """Its conditions, in place of the one that everybody has."""
        self.drop("conditions")
        for name, weight in weights.items():
            self.amend("conditions", condition_id=name, description=name, weight_percent=D(weight))
        return self

    def met(self, **outcomes: str | None) -> Hospital:
        """What is reported of A for each condition."""
        for name, outcome in outcomes.items():
            self.amend("condition_results", npi=A, condition_id=name, met=outcome)
        return self

    def notice(self, approved_amount: str) -> Hospital:
        """A's notice of the fee-schedule cap for the year."""
        return self.amend("pfs_cap_notices", npi=A, calendar_year=2025, approved_amount=D(approved_amount))

    def claims(self, approved_amount: str, year: int = 2025) -> Hospital:
        """What claims state in place of A's notice."""
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
        """What national lists hold against A (formats.md, §4): reason and effect."""
        for reason, effect in records:
            self.amend("screening", npi=A, reason=reason, source="list", list_row=2, effect=effect)
        return self
