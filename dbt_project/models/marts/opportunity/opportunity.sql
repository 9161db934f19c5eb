with totals as (
    select * from {{ ref('int_level_totals') }}
),

baselines as (
    select * from {{ ref('int_level_baselines') }}
),

labels as (
    select
        apr_drg,
        min(apr_drg_label) as label
    from {{ ref('stg_apr_drgs') }}
    group by apr_drg
),

adjusted as (
    select
        hospital_ccn,
        level,
        service_line,
        apr_drg,
        severity_of_illness,
        {{ round_div('cost', 'cost_weight', 4) }} as adjusted_cost,
        {{ round_div('days', 'los_weight', 4) }} as adjusted_los
    from totals
)

select
    totals.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    totals.level,
    totals.service_line,
    totals.apr_drg,
    totals.severity_of_illness,
    labels.label,
    totals.cases,
    totals.physicians,
    totals.days,
    totals.cost,
    {{ round_div('totals.cost', 'totals.cases', 4) }} as mean_cost,
    {{ round_div('totals.cost_weight', 'totals.cases', 8) }} as case_mix_index,
    adjusted.adjusted_cost,
    adjusted.adjusted_los,
    totals.best_practice_cost,
    totals.cost_above_best_practice,
    {{ round_to(
        exact_product('totals.cost - totals.best_practice_cost', policy_number('variable_cost_factor')), 2
    ) }} as potential_savings,
    totals.benchmarked_cases,
    totals.benchmarked_cost,
    totals.statewide_cost,
    cast(totals.benchmarked_cost - totals.statewide_cost as decimal(18, 4)) as difference_from_statewide,
    {{ round_div('totals.benchmarked_cost', 'totals.statewide_cost', 8) }} as cost_ratio,
    totals.statewide_days,
    coalesce(baselines.cases, 0) as baseline_cases,
    baselines.adjusted_cost as baseline_adjusted_cost,
    {{ round_div('adjusted.adjusted_cost - baselines.adjusted_cost', 'baselines.adjusted_cost', 8) }}
        as adjusted_cost_change
from totals
inner join adjusted using (hospital_ccn, level, service_line, apr_drg, severity_of_illness)
left join baselines using (hospital_ccn, service_line, apr_drg, severity_of_illness)
left join labels using (apr_drg)
