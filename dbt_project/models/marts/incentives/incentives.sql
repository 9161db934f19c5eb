-- One row per care partner of a hospital, with or without cases: from calculated to final, one column per step.
with calculated as (
    select * from {{ ref('int_calculated_incentives') }}
),

conditions as (
    select * from {{ ref('int_waterfall_2_conditions') }}
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

limited as (
    select * from {{ ref('int_waterfall_6_distribution_limit') }}
),

holds as (
    select * from {{ ref('int_holds') }}
),

-- Changes since earlier periods were released, if they move an amount.
changes as (
    select
        hospital_ccn,
        {{ sorted_list('reason') }} as reasons
    from {{ ref('stg_program_changes') }}
    group by hospital_ccn
),

steps as (
    select
        calculated.hospital_ccn,
        calculated.npi,
        calculated.name,
        calculated.medical_cases,
        calculated.surgical_cases,
        calculated.case_mix_index,
        calculated.performance_incentive,
        calculated.improvement_incentive_medical,
        calculated.improvement_incentive_surgical,
        calculated.calculated_incentive,
        conditions.conditions_met_weight,
        conditions.incentive - calculated.calculated_incentive as conditions_adjustment,
        standing.incentive - conditions.incentive as standing_adjustment,
        committee.incentive - standing.incentive as committee_adjustment,
        capped.pfs_cap_amount,
        capped.incentive - committee.incentive as pfs_cap_adjustment,
        limited.incentive - capped.incentive as distribution_limit_adjustment,
        limited.incentive as final_incentive,
        {{ list_concatenation([
            text_list([
                "case when calculated.medical_cases + calculated.surgical_cases = 0 then 'NO_CASES' end",
                "case
                    when
                        calculated.medical_cases + calculated.surgical_cases > 0
                        and calculated.calculated_incentive = 0
                        then 'NOTHING_EARNED'
                end",
                "case when calculated.lacks_baseline then 'NO_BASELINE' end",
                "case
                    when not conditions.is_every_condition_met and conditions.incentive < calculated.calculated_incentive
                        then 'CONDITIONS_NOT_MET'
                end",
                "case
                    when conditions.is_weight_short and conditions.incentive < calculated.calculated_incentive
                        then 'WEIGHTS_NOT_100'
                end",
                "case when conditions.any_condition_missing then 'CONDITION_RESULTS_MISSING' end",
            ]),
            'standing.standing_reasons',
            text_list([
                "case when committee.incentive < standing.incentive then 'COMMITTEE_ADJUSTMENT' end",
                "case when capped.incentive < committee.incentive then 'PFS_CAP' end",
                "case when limited.incentive < capped.incentive then 'DISTRIBUTION_LIMIT' end",
            ]),
            "case
                when calculated.calculated_incentive > 0 then coalesce(changes.reasons, " ~ empty_text_list() ~ ")
                else " ~ empty_text_list() ~ "
            end",
            'holds.hold_reasons',
        ]) }} as reasons,
        {{ list_length('holds.hold_reasons') }} > 0 as is_held
    from calculated
    inner join conditions using (hospital_ccn, npi)
    inner join standing using (hospital_ccn, npi)
    inner join committee using (hospital_ccn, npi)
    inner join capped using (hospital_ccn, npi)
    inner join limited using (hospital_ccn, npi)
    inner join holds using (hospital_ccn, npi)
    left join changes using (hospital_ccn)
)

select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    npi,
    name,
    medical_cases,
    surgical_cases,
    case_mix_index,
    performance_incentive,
    improvement_incentive_medical,
    improvement_incentive_surgical,
    calculated_incentive,
    conditions_met_weight,
    cast(conditions_adjustment as decimal(18, 2)) as conditions_adjustment,
    cast(standing_adjustment as decimal(18, 2)) as standing_adjustment,
    cast(committee_adjustment as decimal(18, 2)) as committee_adjustment,
    pfs_cap_amount,
    cast(pfs_cap_adjustment as decimal(18, 2)) as pfs_cap_adjustment,
    cast(distribution_limit_adjustment as decimal(18, 2)) as distribution_limit_adjustment,
    final_incentive,
    case when final_incentive = 0 then 'ZERO' when is_held then 'HELD' else 'PAYABLE' end as status,
    {{ joined_text('reasons', '|') }} as reasons
from steps
