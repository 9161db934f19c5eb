-- Cost of a hospital's cases in each rate center at the statewide means of their cells, whether or not they used it.
select
    cells.hospital_ccn,
    means.rate_center,
    case when grouping(cells.service_line) = 1 then 'ALL' else cells.service_line end as service_line,
    cast(sum(means.mean_cost * cells.cases) as decimal(18, 4)) as statewide_cost
from {{ ref('int_benchmarked_cells') }} as cells
inner join {{ ref('int_statewide_rate_center_means') }} as means using (apr_drg, severity_of_illness)
group by grouping sets (
    (cells.hospital_ccn, means.rate_center),
    (cells.hospital_ccn, means.rate_center, cells.service_line)
)
