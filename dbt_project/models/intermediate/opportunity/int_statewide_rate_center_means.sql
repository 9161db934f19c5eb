-- The mean cost of a cell's cases in each rate center, over all hospitals' cases of the period; a case without a charge
-- there costs nothing in it.
with cases as (
    select * from {{ ref('int_compared_cases') }} where window_name = 'performance'
),

cells as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as cases
    from cases
    group by apr_drg, severity_of_illness
),

costs as (
    select
        cases.apr_drg,
        cases.severity_of_illness,
        rate_center_costs.rate_center,
        sum(rate_center_costs.cost) as cost
    from cases
    inner join {{ ref('int_rate_center_costs') }} as rate_center_costs using (hospital_ccn, account_no)
    group by cases.apr_drg, cases.severity_of_illness, rate_center_costs.rate_center
)

select
    costs.apr_drg,
    costs.severity_of_illness,
    costs.rate_center,
    {{ round_div('costs.cost', 'cells.cases', 4) }} as mean_cost
from costs
inner join cells using (apr_drg, severity_of_illness)
