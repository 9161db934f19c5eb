-- Step 1 of the waterfall (methodology §9): calculated = Σ performance + Σ improvement, one row per care partner.
with care_partners as (
    select * from {{ ref('int_care_partners') }}
),

cases as (
    select
        hospital_ccn,
        npi,
        count(*) filter (where stream = 'medical') as medical_cases,
        count(*) filter (where stream = 'surgical') as surgical_cases,
        {{ round_div('sum(cost_weight)', 'count(*)', 8) }} as case_mix_index,
        cast(sum(performance_incentive) as decimal(18, 2)) as performance_incentive
    from {{ ref('int_performance_incentives') }}
    group by hospital_ccn, npi
),

improvement as (
    select
        hospital_ccn,
        npi,
        cast(sum(improvement_incentive) filter (where stream = 'medical') as decimal(18, 2)) as medical,
        cast(sum(improvement_incentive) filter (where stream = 'surgical') as decimal(18, 2)) as surgical,
        bool_or(not has_baseline) as lacks_baseline
    from {{ ref('int_improvement_incentives') }}
    group by hospital_ccn, npi
),

parts as (
    select
        care_partners.hospital_ccn,
        care_partners.npi,
        care_partners.name,
        coalesce(cases.medical_cases, 0) as medical_cases,
        coalesce(cases.surgical_cases, 0) as surgical_cases,
        cases.case_mix_index,
        coalesce(cases.performance_incentive, 0) as performance_incentive,
        coalesce(improvement.medical, 0) as improvement_incentive_medical,
        coalesce(improvement.surgical, 0) as improvement_incentive_surgical,
        coalesce(improvement.lacks_baseline, false) as lacks_baseline
    from care_partners
    left join cases using (hospital_ccn, npi)
    left join improvement using (hospital_ccn, npi)
)

select
    hospital_ccn,
    npi,
    name,
    medical_cases,
    surgical_cases,
    case_mix_index,
    performance_incentive,
    improvement_incentive_medical,
    improvement_incentive_surgical,
    lacks_baseline,
    cast(performance_incentive + improvement_incentive_medical + improvement_incentive_surgical as decimal(18, 2))
        as calculated_incentive
from parts
