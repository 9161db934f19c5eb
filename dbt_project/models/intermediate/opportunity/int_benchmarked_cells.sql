-- The cells in which a hospital is compared with the state: the other hospitals together must have more cases than a small
-- cell, or their mean would reveal the cost of individual patients.
with hospital_cells as (
    select
        hospital_ccn,
        apr_drg,
        severity_of_illness,
        service_line,
        count(*) as cases
    from {{ ref('int_compared_cases') }}
    where window_name = 'performance'
    group by hospital_ccn, apr_drg, severity_of_illness, service_line
),

own_cells as (
    select
        hospital_ccn,
        apr_drg,
        severity_of_illness,
        sum(cases) as cases
    from hospital_cells
    group by hospital_ccn, apr_drg, severity_of_illness
),

statewide as (
    select * from {{ ref('int_statewide_cell_means') }}
)

select
    hospital_cells.hospital_ccn,
    hospital_cells.service_line,
    hospital_cells.apr_drg,
    hospital_cells.severity_of_illness,
    hospital_cells.cases,
    statewide.mean_cost,
    statewide.mean_los
from hospital_cells
inner join own_cells using (hospital_ccn, apr_drg, severity_of_illness)
inner join statewide using (apr_drg, severity_of_illness)
where statewide.cases - own_cells.cases > {{ policy('small_cell_threshold') }}
