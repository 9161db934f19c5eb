-- Potential and internal savings (methodology §10), per hospital and scope. Negative values count; a component without a
-- baseline has no savings, because there is nothing to compare with.
with performance as (
    select * from {{ ref('int_scope_totals') }} where window_name = 'performance'
),

baseline as (
    select * from {{ ref('int_scope_totals') }} where window_name = 'baseline'
),

trends as (
    select
        max(trend) filter (where component = 'core') as core,
        max(trend) filter (where component = 'supply_drug') as supply_drug
    from {{ ref('int_trends') }}
    where window_name = 'baseline'
),

compared as (
    select
        performance.hospital_ccn,
        performance.scope,
        performance.cases,
        performance.actual_cost,
        performance.best_practice_cost,
        {{ round_to(
            exact_product('performance.actual_cost - performance.best_practice_cost', policy_number('variable_cost_factor')), 2
        ) }} as potential_savings,
        performance.core_cost,
        performance.supply_drug_cost,
        coalesce(baseline.cases, 0) as baseline_cases,
        baseline.core_cost as baseline_core_cost,
        baseline.supply_drug_cost as baseline_supply_drug_cost,
        baseline.core_weight as baseline_core_weight,
        baseline.supply_drug_weight as baseline_supply_drug_weight,
        baseline.adjusted_core_cost as baseline_adjusted_core_cost,
        baseline.adjusted_supply_drug_cost as baseline_adjusted_supply_drug_cost,
        trends.core as core_trend,
        trends.supply_drug as supply_drug_trend,
        performance.adjusted_core_cost,
        performance.adjusted_supply_drug_cost,
        performance.core_weight,
        performance.supply_drug_weight,
        {{ component_savings(
            'baseline.adjusted_core_cost', 'trends.core', 'performance.adjusted_core_cost', 'performance.core_weight',
            policy('variable_cost_factor')
        ) }} as internal_savings_core,
        {{ component_savings(
            'baseline.adjusted_supply_drug_cost', 'trends.supply_drug', 'performance.adjusted_supply_drug_cost',
            'performance.supply_drug_weight', '1'
        ) }} as internal_savings_supply_drug
    from performance
    left join baseline using (hospital_ccn, scope)
    left join trends on true
)

select
    hospital_ccn,
    scope,
    cases,
    actual_cost,
    best_practice_cost,
    potential_savings,
    core_cost,
    supply_drug_cost,
    baseline_cases,
    baseline_core_cost,
    baseline_supply_drug_cost,
    baseline_core_weight,
    baseline_supply_drug_weight,
    baseline_adjusted_core_cost,
    baseline_adjusted_supply_drug_cost,
    core_trend,
    supply_drug_trend,
    adjusted_core_cost,
    adjusted_supply_drug_cost,
    core_weight,
    supply_drug_weight,
    coalesce(internal_savings_core, 0) as internal_savings_core,
    coalesce(internal_savings_supply_drug, 0) as internal_savings_supply_drug,
    cast(coalesce(internal_savings_core, 0) + coalesce(internal_savings_supply_drug, 0) as decimal(18, 2))
        as internal_savings
from compared
