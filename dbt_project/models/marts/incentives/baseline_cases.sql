select
    hospital_ccn,
    account_no,
    '{{ run_fact("name") }}' as period,
    npi,
    stream,
    apr_drg,
    severity_of_illness,
    length_of_stay,
    cost,
    cost_weight,
    los_weight
from {{ ref('int_partner_cases') }}
where window_name = 'baseline'
