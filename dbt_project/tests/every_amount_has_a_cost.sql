-- Why: charges without a cost factor would make the case look too cheap, and a cheap case earns an incentive.
select
    hospital_ccn,
    rate_center,
    count(*) as cases
from {{ ref('int_rate_center_costs') }}
where cost is null
group by hospital_ccn, rate_center
