-- The baseline of each level of the reports, in the performance year's dollars.
with trends as (
    select trend from {{ ref('int_trends') }} where window_name = 'baseline' and component = 'total'
),

summed as (
    select
        hospital_ccn,
        case when grouping(service_line) = 1 then 'ALL' else service_line end as service_line,
        case when grouping(apr_drg) = 1 then 'ALL' else apr_drg end as apr_drg,
        case when grouping(severity_of_illness) = 1 then 'ALL' else severity_of_illness end as severity_of_illness,
        count(*) as cases,
        {{ round_div('sum(total_cost)', 'sum(cost_weight)', 4) }} as adjusted_cost
    from {{ ref('int_compared_cases') }}
    where window_name = 'baseline'
    group by grouping sets (
        (hospital_ccn),
        (hospital_ccn, service_line),
        (hospital_ccn, service_line, apr_drg),
        (hospital_ccn, service_line, apr_drg, severity_of_illness)
    )
)

select
    summed.hospital_ccn,
    summed.service_line,
    summed.apr_drg,
    summed.severity_of_illness,
    summed.cases,
    {{ round_to(exact_product('summed.adjusted_cost', 'trends.trend', 4), 4) }} as adjusted_cost
from summed
cross join trends
