"""One job per cadence, because a run cannot mix partitions of different kinds."""

import dagster as dg

from hcip_pipeline.assets import cms_intake, expectations, hospital_intake, program_intake, reference

#: tag of runs that settle a half-year: the queue runs one of them at a time
SETTLES = "hcip/settles"

_PROGRAM_INPUTS = dg.AssetSelection.assets(
    reference.REFERENCE_TABLES, program_intake.POLICY, program_intake.PROGRAM_FILES, program_intake.PROTOCOLS
)

hospital_job = dg.define_asset_job(
    "hospital_intake",
    dg.AssetSelection.assets(hospital_intake.SUBMISSIONS),
    description="Ingests the hospital submissions of a quarter, or of a range of quarters, into the lake.",
)
cms_job = dg.define_asset_job(
    "cms_intake",
    dg.AssetSelection.assets(cms_intake.CLAIM_FILES),
    description="Ingests the CMS files of a month, or of a range of months, into the lake.",
)
program_job = dg.define_asset_job(
    "program_intake",
    _PROGRAM_INPUTS,
    description="Ingests reference tables, policy, and a half-year's program files and protocols into the lake.",
)
#: without the intake of quarters and months, which earlier runs of their own jobs do
settlement_job = dg.define_asset_job(
    "settlement",
    dg.AssetSelection.all()
    - dg.AssetSelection.assets(hospital_intake.SUBMISSIONS, cms_intake.CLAIM_FILES)
    - expectations.SELECTION,
    description="Settles a half-year: program files, norms, incentives, checks, release.",
    tags={SETTLES: "yes"},
)

JOBS = [hospital_job, cms_job, program_job, settlement_job, *expectations.JOBS]
