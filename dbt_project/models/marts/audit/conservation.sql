-- The conservation ledger (methodology §3): at every stage, what came in is kept or excluded, in cases and in cents. Each
-- number is counted where it arises, so that a join that loses or doubles rows shows as a difference.
with receipts as (
    select * from {{ ref('stg_receipts') }}
),

discharges as (
    select * from {{ ref('stg_discharges') }}
),

charge_lines as (
    select * from {{ ref('stg_charge_lines') }} where revenue_code <> '0001'
),

rate_center_charges as (
    select * from {{ ref('int_charges_by_rate_center') }}
),

case_costs as (
    select * from {{ ref('int_case_costs') }}
),

case_windows as (
    select * from {{ ref('int_case_windows') }}
),

windowed as (
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

-- 1. Discharges as received, against the lake; dollars are total charges.
intake as (
    select
        '1 intake' as stage,
        'all' as window_name,
        receipts.hospital_ccn,
        receipts.rows_read as cases_in,
        coalesce(accepted.cases, 0) as cases_kept,
        receipts.rows_excluded as cases_excluded,
        receipts.amount_read as amount_in,
        coalesce(accepted.amount, 0) as amount_kept,
        receipts.amount_excluded as amount_excluded
    from receipts
    left join (
        select hospital_ccn, count(*) as cases, sum(total_charges) as amount from discharges group by hospital_ccn
    ) as accepted using (hospital_ccn)
),

-- 2. Charge lines, against charges by rate center; "cases" are those with a line.
charges as (
    select
        '2 charges' as stage,
        'all' as window_name,
        received.hospital_ccn,
        received.cases as cases_in,
        coalesce(priced.cases, 0) as cases_kept,
        0 as cases_excluded,
        received.amount as amount_in,
        coalesce(priced.amount, 0) as amount_kept,
        0 as amount_excluded
    from (
        select hospital_ccn, count(distinct account_no) as cases, sum(charge) as amount
        from charge_lines
        group by hospital_ccn
    ) as received
    left join (
        select hospital_ccn, count(distinct account_no) as cases, sum(charge) as amount
        from rate_center_charges
        group by hospital_ccn
    ) as priced using (hospital_ccn)
),

-- 3. Costs of the discharges of each window, against the cases judged.
costed as (
    select
        '3 costs' as stage,
        entering.window_name,
        entering.hospital_ccn,
        entering.cases as cases_in,
        coalesce(judged.cases, 0) as cases_kept,
        0 as cases_excluded,
        entering.amount as amount_in,
        coalesce(judged.amount, 0) as amount_kept,
        0 as amount_excluded
    from (
        select case_windows.window_name, hospital_ccn, count(*) as cases, sum(case_costs.total_cost) as amount
        from case_windows
        left join case_costs using (hospital_ccn, account_no)
        group by case_windows.window_name, hospital_ccn
    ) as entering
    left join (
        select window_name, hospital_ccn, count(*) as cases, sum(core_cost) + sum(supply_drug_cost) as amount
        from windowed
        group by window_name, hospital_ccn
    ) as judged using (window_name, hospital_ccn)
),

-- 4. Exclusions (§3, §5).
excluded as (
    select
        '4 exclusions' as stage,
        window_name,
        hospital_ccn,
        count(*) as cases_in,
        count(*) filter (where is_counted) as cases_kept,
        count(*) filter (where exclusion_reason is not null) as cases_excluded,
        sum(total_cost) as amount_in,
        coalesce(sum(total_cost) filter (where is_counted), 0) as amount_kept,
        coalesce(sum(total_cost) filter (where exclusion_reason is not null), 0) as amount_excluded
    from windowed
    group by window_name, hospital_ccn
),

-- 5. Counted cases with a norm, or NO_NORM (§6).
normed as (
    select
        '5 norms' as stage,
        counted.window_name,
        counted.hospital_ccn,
        counted.cases as cases_in,
        coalesce(kept.cases, 0) as cases_kept,
        coalesce(missing.cases, 0) as cases_excluded,
        counted.amount as amount_in,
        coalesce(kept.amount, 0) as amount_kept,
        coalesce(missing.amount, 0) as amount_excluded
    from (
        select window_name, hospital_ccn, count(*) as cases, sum(total_cost) as amount
        from windowed
        where is_counted
        group by window_name, hospital_ccn
    ) as counted
    left join (
        select window_name, hospital_ccn, count(*) as cases, sum(total_cost) as amount
        from windowed
        inner join norms using (apr_drg, severity_of_illness)
        where is_counted
        group by window_name, hospital_ccn
    ) as kept using (window_name, hospital_ccn)
    left join (
        select window_name, hospital_ccn, cases, cost as amount
        from {{ ref('exclusions') }}
        where exclusion_reason = 'NO_NORM'
    ) as missing using (window_name, hospital_ccn)
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

-- 7. Incentives by case, against incentives by care partner.
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

stages as (
    select * from intake
    union all
    select * from charges
    union all
    select * from costed
    union all
    select * from excluded
    union all
    select * from normed
    union all
    select * from participating
    union all
    select * from performance
)

select
    '{{ run_fact("name") }}' as period,
    stage,
    window_name,
    hospital_ccn,
    cast(cases_in as bigint) as cases_in,
    cast(cases_kept as bigint) as cases_kept,
    cast(cases_excluded as bigint) as cases_excluded,
    cast(amount_in as decimal(18, 2)) as amount_in,
    cast(amount_kept as decimal(18, 2)) as amount_kept,
    cast(amount_excluded as decimal(18, 2)) as amount_excluded
from stages
