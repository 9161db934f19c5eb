-- BPN, P75 and improvement ceiling of every cell that has a norm, by each of the three published readings (§6), 2 places.
-- If no case names a physician, mean_below_threshold has only a BPN.
with cells as (
    select * from {{ ref('int_cell_means') }}
),

physician_cells as (
    select
        apr_drg,
        severity_of_illness,
        count(*) as physicians,
        {{ sorted_list('physician_mean_cost') }} as sorted_means
    from {{ ref('int_physician_means') }}
    group by apr_drg, severity_of_illness
),

counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'base_year'
),

by_physician as (
    select
        cells.apr_drg,
        cells.severity_of_illness,
        {{ percentile('physician_cells.sorted_means', policy_number('best_practice_percentile'), 2) }} as best_practice_norm,
        {{ percentile('physician_cells.sorted_means', policy_number('ceiling_percentile'), 2) }} as p75_cost,
        {{ percentile('physician_cells.sorted_means', policy_number('improvement_percentile'), 2) }} as improvement_ceiling_cost
    from cells
    inner join physician_cells using (apr_drg, severity_of_illness)
    where
        cells.cases >= {{ policy('min_cases_per_cell') }}
        and physician_cells.physicians >= {{ policy('min_physicians_per_cell') }}
),

by_case as (
    select
        apr_drg,
        severity_of_illness,
        {{ percentile('sorted_costs', policy_number('best_practice_percentile'), 2) }} as best_practice_norm,
        {{ percentile('sorted_costs', policy_number('ceiling_percentile'), 2) }} as p75_cost,
        {{ percentile('sorted_costs', policy_number('improvement_percentile'), 2) }} as improvement_ceiling_cost,
        {{ percentile_numerator('sorted_costs', policy_number('best_practice_percentile')) }} as threshold_numerator
    from cells
    where cases >= {{ policy('min_cases_per_cell') }}
),

-- The mean of the cases at or below the percentile; the other percentiles and the minimums are those of physicians.
below_threshold as (
    select
        counted.apr_drg,
        counted.severity_of_illness,
        {{ round_div('sum(counted.total_cost)', 'count(*)', 2) }} as best_practice_norm
    from counted
    inner join by_case using (apr_drg, severity_of_illness)
    where {{ exact_product('counted.total_cost', 'cast(100000000 as decimal(9, 0))') }} <= by_case.threshold_numerator
    group by counted.apr_drg, counted.severity_of_illness
),

named as (
    select count(npi) as cases from counted
),

methods as (
    select
        'physician_percentile' as norm_method,
        apr_drg,
        severity_of_illness,
        best_practice_norm,
        p75_cost,
        improvement_ceiling_cost
    from by_physician
    union all
    select
        'case_percentile' as norm_method,
        apr_drg,
        severity_of_illness,
        best_practice_norm,
        p75_cost,
        improvement_ceiling_cost
    from by_case
    union all
    select
        'mean_below_threshold' as norm_method,
        by_physician.apr_drg,
        by_physician.severity_of_illness,
        below_threshold.best_practice_norm,
        by_physician.p75_cost,
        by_physician.improvement_ceiling_cost
    from by_physician
    inner join below_threshold using (apr_drg, severity_of_illness)
    union all
    select
        'mean_below_threshold' as norm_method,
        below_threshold.apr_drg,
        below_threshold.severity_of_illness,
        below_threshold.best_practice_norm,
        cast(null as decimal(18, 2)) as p75_cost,
        cast(null as decimal(18, 2)) as improvement_ceiling_cost
    from below_threshold
    cross join named
    where named.cases = 0
)

select
    methods.norm_method,
    methods.apr_drg,
    methods.severity_of_illness,
    coalesce(physician_cells.physicians, 0) as physicians,
    methods.best_practice_norm,
    methods.p75_cost,
    methods.improvement_ceiling_cost
from methods
left join physician_cells using (apr_drg, severity_of_illness)
