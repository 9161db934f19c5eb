"""The registry: where assets are defined, and which asset writes each table of the lake."""

from collections.abc import Iterable

import dagster as dg

from hcip_pipeline.assets import cms_intake, expectations, hospital_intake, norms, program_intake, reference
from hcip_pipeline.assets.partitions import MONTHS_OF_HALVES, QUARTERS_OF_HALVES
from hcip_pipeline.contracts import cms, program, protocol, run
from hcip_pipeline.contracts import reference as reference_contracts

#: modules whose assets are computed in Python; ``published.yaml`` lists those computed by dbt models
MODULES = (hospital_intake, cms_intake, program_intake, reference, norms, expectations)

_SUBMISSIONS = dg.AssetDep(hospital_intake.SUBMISSIONS, partition_mapping=QUARTERS_OF_HALVES)
_CLAIM_FILES = dg.AssetDep(cms_intake.CLAIM_FILES, partition_mapping=MONTHS_OF_HALVES)
_PROGRAM_FILES = dg.AssetDep(program_intake.PROGRAM_FILES)
_PROTOCOLS = dg.AssetDep(program_intake.PROTOCOLS)
_POLICY = dg.AssetDep(program_intake.POLICY)
_NORMS = dg.AssetDep(norms.BASE_YEAR_NORMS)
_REFERENCE = dg.AssetDep(reference.REFERENCE_TABLES)

#: table of the lake -> the assets it comes from; none for tables from other half-years' releases, to avoid a cycle
SOURCE_DEPS: dict[str, tuple[dg.AssetDep, ...]] = {
    "discharges": (_SUBMISSIONS,),
    "charges": (_SUBMISSIONS,),
    "receipts": (_SUBMISSIONS,),
    **dict.fromkeys(cms.TABLES, (_CLAIM_FILES,)),
    **dict.fromkeys(program.TABLES, (_PROGRAM_FILES,)),
    **dict.fromkeys(protocol.TABLES, (_PROTOCOLS,)),
    **dict.fromkeys(reference_contracts.TABLES, (_REFERENCE,)),
    "windows": (_POLICY,),
    "elections": (_PROTOCOLS,),
    **dict.fromkeys(run.FROZEN, (_NORMS,)),
    "earlier_incentives": (),
    "earlier_savings": (),
    "earlier_other_program_amounts": (),
    "earlier_payments": (),
    "later_payments": (),
    "program_changes": (),
}


def source_deps(table: str) -> Iterable[dg.AssetDep]:
    """The assets a table of the lake comes from. Raises ValueError for a table that no asset makes."""
    if table not in SOURCE_DEPS:
        raise ValueError(f"no asset makes the table {table} of the lake: name it in assets/registry.py")
    return SOURCE_DEPS[table]
