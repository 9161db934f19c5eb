"""The list of derivations, which make the tables of a release that are not simply marts; each is next to its domain.

Does not belong here: any figure. A derivation is ``(Draft) -> Iterable[DerivedTable]`` (``release.derived``).
"""

from __future__ import annotations

from hcip_pipeline.audit.findings import finding_tables
from hcip_pipeline.audit.payments import payment_tables
from hcip_pipeline.audit.screening import screening_tables
from hcip_pipeline.certainty.released import certainty_tables
from hcip_pipeline.release import data_quality
from hcip_pipeline.release.derived import Derivation
from hcip_pipeline.release.handed_on import norm_tables, regulator_tables
from hcip_pipeline.release.quality_tables import quality_tables

#: name -> derivation, in the order they are called; each may read the tables of those before it
DERIVATIONS: dict[str, Derivation] = {
    "norms": norm_tables,
    "quality": quality_tables,
    "data_quality": data_quality.state_table,
    "regulator": regulator_tables,
    "certainty": certainty_tables,
    "payments": payment_tables,
    "screening": screening_tables,
    "findings": finding_tables,
}
