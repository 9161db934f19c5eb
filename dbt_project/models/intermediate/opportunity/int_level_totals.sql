-- The cases of the period summed at each level of the reports: institution, service line, APR-DRG, cell.
select
    hospital_ccn,
    case
        when grouping(service_line) = 1 then 'institution'
        when grouping(apr_drg) = 1 then 'service_line'
        when grouping(severity_of_illness) = 1 then 'apr_drg'
        else 'cell'
    end as level,
    case when grouping(service_line) = 1 then 'ALL' else service_line end as service_line,
    case when grouping(apr_drg) = 1 then 'ALL' else apr_drg end as apr_drg,
    case when grouping(severity_of_illness) = 1 then 'ALL' else severity_of_illness end as severity_of_illness,
    count(*) as cases,
    count(distinct npi) as physicians,
    cast(sum(length_of_stay) as bigint) as days,
    cast(sum(total_cost) as decimal(18, 2)) as cost,
    cast(sum(cost_weight) as decimal(18, 8)) as cost_weight,
    cast(sum(los_weight) as decimal(18, 8)) as los_weight,
    cast(sum(best_practice_norm) as decimal(18, 2)) as best_practice_cost,
    cast(sum(greatest(total_cost - best_practice_norm, 0)) as decimal(18, 2)) as cost_above_best_practice,
    count(*) filter (where is_benchmarked) as benchmarked_cases,
    cast(coalesce(sum(total_cost) filter (where is_benchmarked), 0) as decimal(18, 2)) as benchmarked_cost,
    cast(sum(statewide_mean_cost) as decimal(18, 4)) as statewide_cost,
    cast(sum(statewide_mean_los) as decimal(18, 4)) as statewide_days
from {{ ref('int_benchmarked_cases') }}
group by grouping sets (
    (hospital_ccn),
    (hospital_ccn, service_line),
    (hospital_ccn, service_line, apr_drg),
    (hospital_ccn, service_line, apr_drg, severity_of_illness)
)
