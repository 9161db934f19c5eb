-- Cost of the compared cases by rate center, per window and hospital: by service line and in total.
with cases as (
    select * from {{ ref('int_compared_cases') }}
),

benchmarked as (
    select
        hospital_ccn,
        apr_drg,
        severity_of_illness,
        service_line,
        true as is_benchmarked
    from {{ ref('int_benchmarked_cells') }}
)

select
    cases.window_name,
    cases.hospital_ccn,
    rate_center_costs.rate_center,
    case when grouping(cases.service_line) = 1 then 'ALL' else cases.service_line end as service_line,
    count(*) filter (where rate_center_costs.cost <> 0) as cases_charged,
    cast(sum(rate_center_costs.cost) as decimal(18, 2)) as cost,
    cast(coalesce(sum(rate_center_costs.cost) filter (where benchmarked.is_benchmarked), 0) as decimal(18, 2))
        as benchmarked_cost
from cases
inner join {{ ref('int_rate_center_costs') }} as rate_center_costs using (hospital_ccn, account_no)
left join benchmarked using (hospital_ccn, apr_drg, severity_of_illness, service_line)
group by grouping sets (
    (cases.window_name, cases.hospital_ccn, rate_center_costs.rate_center),
    (cases.window_name, cases.hospital_ccn, rate_center_costs.rate_center, cases.service_line)
)
