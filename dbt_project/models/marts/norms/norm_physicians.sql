-- The means behind the percentiles, without names: physicians are numbered within a cell by their mean.
with computed as (
    select
        apr_drg,
        severity_of_illness,
        cases,
        physician_mean_cost,
        row_number() over (partition by apr_drg, severity_of_illness order by physician_mean_cost, cases, npi)
            as physician_number
    from {{ ref('int_physician_means') }}
),

frozen as (
    select * from {{ ref('stg_frozen_norm_physicians') }}
),

norms as (
    select apr_drg, severity_of_illness
    from {{ ref('int_norm_table') }}
    where norm_method = 'physician_percentile'
),

means as (
    select
        apr_drg,
        severity_of_illness,
        cast(physician_number as bigint) as physician_number,
        physician_mean_cost
    from {{ 'frozen' if run_fact('kind') == 'period' else 'computed' }}
)

select
    cast({{ run_fact('base_year') }} as bigint) as base_year,
    means.apr_drg,
    means.severity_of_illness,
    means.physician_number,
    means.physician_mean_cost
from means
inner join norms using (apr_drg, severity_of_illness)
