{{ config(materialized='view') }}
-- The cases that count (methodology §3), per window.
select
    window_name,
    hospital_ccn,
    account_no,
    npi,
    stream,
    service_line,
    apr_drg,
    severity_of_illness,
    length_of_stay,
    core_cost,
    supply_drug_cost,
    total_cost
from {{ ref('int_windowed_cases') }}
where is_counted
