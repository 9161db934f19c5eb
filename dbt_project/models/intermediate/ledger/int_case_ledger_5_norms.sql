-- Stage 5 of the conservation ledger: counted cases with a norm, or NO_NORM (methodology §6); the latter are read from the
-- released mart.
with counted_cases as (
    select * from {{ ref('int_windowed_cases') }} where is_counted
),

norms as (
    select apr_drg, severity_of_illness from {{ ref('int_norms_in_force') }}
),

counted as (
    select window_name, hospital_ccn, count(*) as cases, sum(total_cost) as amount
    from counted_cases
    group by window_name, hospital_ccn
),

with_norm as (
    select window_name, hospital_ccn, count(*) as cases, sum(total_cost) as amount
    from counted_cases
    inner join norms using (apr_drg, severity_of_illness)
    group by window_name, hospital_ccn
),

missing as (
    select window_name, hospital_ccn, cases, cost as amount
    from {{ ref('exclusions') }}
    where exclusion_reason = 'NO_NORM'
)

select
    '5 norms' as stage,
    counted.window_name,
    counted.hospital_ccn,
    counted.cases as cases_in,
    coalesce(with_norm.cases, 0) as cases_kept,
    coalesce(missing.cases, 0) as cases_excluded,
    counted.amount as amount_in,
    coalesce(with_norm.amount, 0) as amount_kept,
    coalesce(missing.amount, 0) as amount_excluded
from counted
left join with_norm using (window_name, hospital_ccn)
left join missing using (window_name, hospital_ccn)
