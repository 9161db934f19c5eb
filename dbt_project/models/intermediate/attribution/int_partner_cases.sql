-- Counted cases of care partners in cells with a norm, in the performance and the baseline window.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name in ('performance', 'baseline')
),

care_partners as (
    select * from {{ ref('int_care_partners') }}
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
)

select
    counted.window_name,
    counted.hospital_ccn,
    counted.account_no,
    counted.npi,
    counted.stream,
    counted.apr_drg,
    counted.severity_of_illness,
    counted.length_of_stay,
    counted.total_cost as cost,
    norms.cost_weight,
    norms.los_weight
from counted
inner join care_partners using (hospital_ccn, npi)
inner join norms using (apr_drg, severity_of_illness)
