-- Every compared case of the period, with the statewide mean of its cell, if there is one.
with cases as (
    select * from {{ ref('int_compared_cases') }} where window_name = 'performance'
),

benchmarks as (
    select
        hospital_ccn,
        service_line,
        apr_drg,
        severity_of_illness,
        mean_cost,
        mean_los
    from {{ ref('int_benchmarked_cells') }}
)

select
    cases.hospital_ccn,
    cases.account_no,
    cases.npi,
    cases.is_care_partner,
    cases.stream,
    cases.service_line,
    cases.apr_drg,
    cases.severity_of_illness,
    cases.length_of_stay,
    cases.total_cost,
    cases.best_practice_norm,
    cases.cost_weight,
    cases.los_weight,
    benchmarks.mean_cost is not null as is_benchmarked,
    benchmarks.mean_cost as statewide_mean_cost,
    benchmarks.mean_los as statewide_mean_los
from cases
left join benchmarks using (hospital_ccn, service_line, apr_drg, severity_of_illness)
