-- adjusted_cost and adjusted_los (methodology §8): Σ cost ÷ Σ weight per hospital, care partner, stream and window.
select
    window_name,
    hospital_ccn,
    npi,
    stream,
    count(*) as cases,
    cast(sum(cost) as decimal(18, 2)) as cost,
    cast(sum(cost_weight) as decimal(18, 8)) as cost_weight,
    cast(sum(length_of_stay) as bigint) as days,
    cast(sum(los_weight) as decimal(18, 8)) as los_weight,
    {{ round_div('sum(cost)', 'sum(cost_weight)', 4) }} as adjusted_cost,
    {{ round_div('sum(length_of_stay)', 'sum(los_weight)', 4) }} as adjusted_los
from {{ ref('int_partner_cases') }}
group by window_name, hospital_ccn, npi, stream
