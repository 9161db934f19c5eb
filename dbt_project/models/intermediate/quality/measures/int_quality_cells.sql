-- The base year's cells (APR-DRG × severity): index discharges and readmissions, from which later readmissions are
-- expected, and rates for signs of stinting. Frozen with the norms.
with discharges as (
    select * from {{ ref('int_quality_discharges') }} where window_name = 'base_year'
),

means as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as discharges,
        sum(length_of_stay) as days
    from discharges
    group by apr_drg, severity_of_illness
),

computed_discharges as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as discharges,
        cast(sum(discharges.length_of_stay) as bigint) as days,
        -- Short: less than half of the cell's mean stay.
        count(*) filter (where 2 * discharges.length_of_stay * means.discharges < means.days) as short_stays,
        count(*) filter (where discharges.is_death) as deaths,
        count(*) filter (where discharges.is_sent_on) as sent_on
    from discharges
    inner join means using (apr_drg, severity_of_illness)
    group by apr_drg, severity_of_illness
),

computed_readmissions as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as index_discharges,
        count(*) filter (where is_readmitted) as readmissions
    from {{ ref('int_index_discharges') }}
    where window_name = 'base_year'
    group by apr_drg, severity_of_illness
),

computed as (
    select
        computed_discharges.*,
        coalesce(computed_readmissions.index_discharges, 0) as index_discharges,
        coalesce(computed_readmissions.readmissions, 0) as readmissions
    from computed_discharges
    left join computed_readmissions using (apr_drg, severity_of_illness)
),

frozen as (
    select * from {{ ref('stg_frozen_quality_cells') }}
)

select
    cast({{ run_fact('base_year') }} as bigint) as base_year,
    apr_drg,
    severity_of_illness,
    discharges,
    days,
    short_stays,
    deaths,
    sent_on,
    index_discharges,
    readmissions
from {{ 'frozen' if run_fact('kind') == 'period' else 'computed' }}
