-- Physicians with the highest cost (methodology §7): their mean cost in the cell, over the period and at any hospital, is
-- above P75. They earn no performance incentive on the cases of that cell.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'performance'
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
),

means as (
    select
        npi,
        apr_drg,
        severity_of_illness,
        {{ round_div('sum(total_cost)', 'count(*)', 4) }} as mean_cost
    from counted
    group by npi, apr_drg, severity_of_illness
)

select
    means.npi,
    means.apr_drg,
    means.severity_of_illness,
    means.mean_cost
from means
inner join norms using (apr_drg, severity_of_illness)
where
    {% if policy('performance_gate') == 'cell_mean' -%}
    means.mean_cost > norms.p75_cost
    {%- else -%}
    false
    {%- endif %}
