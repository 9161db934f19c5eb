-- The conservation ledger, from the cases with a norm to the final payment.
with windowed as (
    select * from {{ ref('int_windowed_cases') }}
),

norms as (
    select apr_drg, severity_of_illness from {{ ref('int_norms_in_force') }}
),

incentive_cases as (
    select * from {{ ref('int_performance_incentives') }}
),

incentives as (
    select * from {{ ref('incentives') }}
),

-- 6. Cases with a norm in the performance window: care partners' or others'.
participating as (
    select
        '6 care partners' as stage,
        'performance' as window_name,
        kept.hospital_ccn,
        kept.cases as cases_in,
        coalesce(earning.cases, 0) as cases_kept,
        coalesce(others.cases, 0) as cases_excluded,
        kept.amount as amount_in,
        coalesce(earning.amount, 0) as amount_kept,
        coalesce(others.amount, 0) as amount_excluded
    from (
        select hospital_ccn, count(*) as cases, sum(total_cost) as amount
        from windowed
        inner join norms using (apr_drg, severity_of_illness)
        where is_counted and window_name = 'performance'
        group by hospital_ccn
    ) as kept
    left join (
        select hospital_ccn, count(*) as cases, sum(cost) as amount from incentive_cases group by hospital_ccn
    ) as earning using (hospital_ccn)
    left join (
        select hospital_ccn, count(*) as cases, sum(total_cost) as amount
        from windowed
        inner join norms using (apr_drg, severity_of_illness)
        anti join {{ ref('int_care_partners') }} using (hospital_ccn, npi)
        where is_counted and window_name = 'performance'
        group by hospital_ccn
    ) as others using (hospital_ccn)
),

-- 7. Incentives by case, compared with incentives by care partner.
performance as (
    select
        '7 performance incentive' as stage,
        'performance' as window_name,
        by_case.hospital_ccn,
        by_case.cases as cases_in,
        coalesce(by_partner.cases, 0) as cases_kept,
        0 as cases_excluded,
        by_case.amount as amount_in,
        coalesce(by_partner.amount, 0) as amount_kept,
        0 as amount_excluded
    from (
        select hospital_ccn, count(*) as cases, sum(performance_incentive) as amount
        from incentive_cases
        group by hospital_ccn
    ) as by_case
    left join (
        select hospital_ccn, sum(medical_cases + surgical_cases) as cases, sum(performance_incentive) as amount
        from incentives
        group by hospital_ccn
    ) as by_partner using (hospital_ccn)
),

-- 8. From calculated to final; the difference is the waterfall's reductions.
waterfall as (
    select
        '8 waterfall' as stage,
        'performance' as window_name,
        hospital_ccn,
        sum(medical_cases + surgical_cases) as cases_in,
        sum(medical_cases + surgical_cases) as cases_kept,
        0 as cases_excluded,
        sum(performance_incentive + improvement_incentive_medical + improvement_incentive_surgical) as amount_in,
        sum(final_incentive) as amount_kept,
        -sum(
            conditions_adjustment + standing_adjustment + committee_adjustment + pfs_cap_adjustment
            + distribution_limit_adjustment
        ) as amount_excluded
    from incentives
    group by hospital_ccn
),

stages as (
    select * from participating
    union all
    select * from performance
    union all
    select * from waterfall
)

{{ ledger_rows('stages') }}
