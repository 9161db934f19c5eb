{%- set every_window = 'base_year' if run_fact('kind') == 'norms' else 'all' %}
-- The conservation ledger (methodology §3), cases and their cost: at every stage what came in is kept or excluded. Each
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

-- 1. Discharges as received, against the lake; dollars are total charges.
intake as (
    select
        '1 intake' as stage,
        '{{ every_window }}' as window_name,
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
        '{{ every_window }}' as window_name,
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
)

select
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
