-- physician_mean_cost (methodology §6): one physician's mean total cost in a cell, over every hospital, for physicians
-- with enough cases there.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'base_year'
)

select
    apr_drg,
    severity_of_illness,
    npi,
    count(*) as cases,
    {{ round_div('sum(total_cost)', 'count(*)', 4) }} as physician_mean_cost
from counted
-- Without the exclusion NO_RESPONSIBLE_PHYSICIAN, a counted case may have no physician.
where npi is not null
group by apr_drg, severity_of_illness, npi
having count(*) >= {{ policy('min_cases_per_physician') }}
