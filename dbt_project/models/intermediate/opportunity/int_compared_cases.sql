-- The cases that reports compare: counted cases of the period and its baseline in cells with a norm, with that norm.
with counted as (
    select * from {{ ref('int_counted_cases') }} where window_name in ('performance', 'baseline')
),

norms as (
    select * from {{ ref('int_norms_in_force') }}
),

care_partners as (
    select hospital_ccn, npi, true as is_care_partner from {{ ref('int_care_partners') }}
)

select
    counted.window_name,
    counted.hospital_ccn,
    counted.account_no,
    counted.npi,
    coalesce(care_partners.is_care_partner, false) as is_care_partner,
    counted.stream,
    coalesce(counted.service_line, 'Other') as service_line,
    counted.apr_drg,
    counted.severity_of_illness,
    counted.length_of_stay,
    counted.total_cost,
    norms.best_practice_norm,
    norms.p75_cost,
    norms.cost_weight,
    norms.los_weight
from counted
inner join norms using (apr_drg, severity_of_illness)
left join care_partners using (hospital_ccn, npi)
