-- The statewide mean of a cell in the period: the sum of its rate centers' means, so that cost centers add up to it.
with cases as (
    select * from {{ ref('int_compared_cases') }} where window_name = 'performance'
),

costs as (
    select
        apr_drg,
        severity_of_illness,
        cast(sum(mean_cost) as decimal(18, 4)) as mean_cost
    from {{ ref('int_statewide_rate_center_means') }}
    group by apr_drg, severity_of_illness
),

cells as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as cases,
        {{ round_div('sum(length_of_stay)', 'count(*)', 4) }} as mean_los
    from cases
    group by apr_drg, severity_of_illness
)

select
    cells.apr_drg,
    cells.severity_of_illness,
    cells.cases,
    costs.mean_cost,
    cells.mean_los
from cells
inner join costs using (apr_drg, severity_of_illness)
