-- One row per norm method and cell with a norm, in base-year dollars (methodology §6).
with percentiles as (
    select * from {{ ref('int_norm_percentiles') }}
),

cells as (
    select * from {{ ref('int_cell_means') }}
),

counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'base_year'
),

-- Over all counted cases in cells with a norm.
overall as (
    select
        percentiles.norm_method,
        {{ round_div('sum(cells.total_cost)', 'sum(cells.cases)', 4) }} as mean_cost,
        {{ round_div('sum(cells.core_cost)', 'sum(cells.cases)', 4) }} as mean_core_cost,
        {{ round_div('sum(cells.supply_drug_cost)', 'sum(cells.cases)', 4) }} as mean_supply_drug_cost,
        {{ round_div('sum(cells.days)', 'sum(cells.cases)', 4) }} as mean_los
    from percentiles
    inner join cells using (apr_drg, severity_of_illness)
    group by percentiles.norm_method
),

variances as (
    select
        percentiles.norm_method,
        counted.apr_drg,
        counted.severity_of_illness,
        cast(sum(greatest(counted.total_cost - percentiles.best_practice_norm, 0)) as decimal(18, 2))
            as best_practice_variance
    from counted
    inner join percentiles using (apr_drg, severity_of_illness)
    group by percentiles.norm_method, counted.apr_drg, counted.severity_of_illness
),

available as (
    select
        norm_method,
        apr_drg,
        severity_of_illness,
        best_practice_variance,
        {{ round_to(exact_product('best_practice_variance', policy_number('incentive_rate')), 2) }}
            as total_available_incentive
    from variances
)

select
    percentiles.norm_method,
    percentiles.apr_drg,
    percentiles.severity_of_illness,
    cells.cases,
    percentiles.physicians,
    percentiles.best_practice_norm,
    percentiles.p75_cost,
    percentiles.improvement_ceiling_cost,
    cells.mean_cost,
    cells.mean_los,
    available.best_practice_variance,
    available.total_available_incentive,
    {{ round_div('available.total_available_incentive', 'cells.cases', 2) }} as maximum_physician_incentive,
    {{ round_div('cells.mean_cost', 'overall.mean_cost', 8) }} as cost_weight,
    {{ round_div('cells.mean_los', 'overall.mean_los', 8) }} as los_weight,
    {{ round_div('cells.mean_core_cost', 'overall.mean_core_cost', 8) }} as core_weight,
    -- Without separate costs of supplies and drugs there is nothing to weight.
    coalesce({{ round_div('cells.mean_supply_drug_cost', 'overall.mean_supply_drug_cost', 8) }}, 0) as supply_drug_weight
from percentiles
inner join cells using (apr_drg, severity_of_illness)
inner join available using (norm_method, apr_drg, severity_of_illness)
inner join overall using (norm_method)
