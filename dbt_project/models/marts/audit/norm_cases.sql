-- The base year's counted cases in cells with a norm, numbered by their cost, so that a norm can be recomputed.
with computed as (
    select
        apr_drg,
        severity_of_illness,
        row_number() over (
            partition by apr_drg, severity_of_illness
            order by total_cost, core_cost, length_of_stay, hospital_ccn, account_no
        ) as case_number,
        total_cost as cost,
        core_cost,
        supply_drug_cost,
        length_of_stay
    from {{ ref('int_counted_cases') }}
    where window_name = 'base_year'
),

frozen as (
    select * from {{ ref('stg_frozen_norm_cases') }}
),

-- Cells with a norm by any of the three methods.
norms as (
    select apr_drg, severity_of_illness
    from {{ ref('int_norm_table') }}
    group by apr_drg, severity_of_illness
),

cases as (
    select
        apr_drg,
        severity_of_illness,
        cast(case_number as bigint) as case_number,
        cost,
        core_cost,
        supply_drug_cost,
        length_of_stay
    from {{ 'frozen' if run_fact('kind') == 'period' else 'computed' }}
)

select
    cast({{ run_fact('base_year') }} as bigint) as base_year,
    cases.apr_drg,
    cases.severity_of_illness,
    cases.case_number,
    cases.cost,
    cases.core_cost,
    cases.supply_drug_cost,
    cases.length_of_stay
from cases
inner join norms using (apr_drg, severity_of_illness)
