-- The figure that the performance gate tests (methodology §7): each care partner's mean cost in a cell, at any hospital.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'performance'
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
),

care_partners as (
    select npi from {{ ref('int_care_partners') }} group by npi
),

cells as (
    select
        npi,
        apr_drg,
        severity_of_illness,
        count(*) as cases,
        cast(sum(total_cost) as decimal(18, 2)) as cost,
        {{ round_div('sum(total_cost)', 'count(*)', 4) }} as mean_cost
    from counted
    inner join care_partners using (npi)
    group by npi, apr_drg, severity_of_illness
)

select
    '{{ run_fact("name") }}' as period,
    cells.npi,
    cells.apr_drg,
    cells.severity_of_illness,
    cells.cases,
    cells.cost,
    cells.mean_cost,
    norms.p75_cost
from cells
inner join norms using (apr_drg, severity_of_illness)
