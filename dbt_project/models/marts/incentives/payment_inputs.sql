-- The waterfall's inputs from committees, the regulator and CMS, one row per care partner.
with care_partners as (
    select * from {{ ref('int_care_partners') }}
),

listed as (
    select * from {{ ref('stg_care_partners') }}
),

elections as (
    select * from {{ ref('stg_elections') }}
),

standing as (
    select * from {{ ref('int_waterfall_3_standing') }}
),

committee as (
    select * from {{ ref('int_waterfall_4_committee') }}
),

capped as (
    select * from {{ ref('int_waterfall_5_pfs_cap') }}
),

protocols as (
    select * from {{ ref('stg_protocols') }}
),

programs as (
    select * from {{ ref('stg_programs') }}
)

select
    care_partners.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    care_partners.npi,
    listed.participation_start,
    listed.participation_end,
    listed.arrangement_signed,
    listed.screening_status,
    standing.is_excluded,
    standing.approved_activities,
    committee.adjustment_amount as committee_adjustment_amount,
    capped.pfs_source,
    capped.pfs_approved_amount,
    capped.pfs_amount_in_doubt,
    capped.physician_cap_percent,
    capped.earlier_period_incentive,
    elections.mpi_floor,
    elections.mpi_ceiling,
    elections.improvement_share,
    protocols.approved_on as protocol_approved_on,
    programs.first_performance_period,
    programs.program_year,
    coalesce(protocols.has_locked_conditions, false) as has_locked_conditions
from care_partners
left join listed using (hospital_ccn, npi)
left join elections using (hospital_ccn)
left join standing using (hospital_ccn, npi)
left join committee using (hospital_ccn, npi)
left join capped using (hospital_ccn, npi)
left join protocols using (hospital_ccn)
left join programs using (hospital_ccn)
