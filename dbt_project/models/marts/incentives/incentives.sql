-- One row a care partner of a hospital, with or without cases.
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
)

select
    care_partners.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    care_partners.npi,
    care_partners.name,
    coalesce(cases.medical_cases, 0) as medical_cases,
    coalesce(cases.surgical_cases, 0) as surgical_cases,
    cases.case_mix_index,
    coalesce(cases.performance_incentive, 0) as performance_incentive
from care_partners
left join cases using (hospital_ccn, npi)
