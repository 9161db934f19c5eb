-- Why: charges of a hospital without a cost factor would leave the case too cheap, and a cheap case earns.
select
    hospital_ccn,
    rate_center,
    count(*) as cases
from {{ ref('int_rate_center_costs') }}
where cost is null
group by hospital_ccn, rate_center
