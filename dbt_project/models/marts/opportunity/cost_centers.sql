with costs as (
    select * from {{ ref('int_cost_center_totals') }}
),

benchmarks as (
    select * from {{ ref('int_cost_center_benchmarks') }}
),

-- Every rate center that the hospital uses, used in the baseline, or would use at the statewide means.
items as (
    select hospital_ccn, rate_center, service_line from costs
    union
    select hospital_ccn, rate_center, service_line from benchmarks
),

performance as (
    select * from costs where window_name = 'performance'
),

before as (
    select * from costs where window_name = 'baseline'
),

totals as (
    select * from {{ ref('int_level_totals') }} where level in ('institution', 'service_line')
),

baseline_weights as (
    select
        hospital_ccn,
        case when grouping(service_line) = 1 then 'ALL' else service_line end as service_line,
        cast(sum(cost_weight) as decimal(18, 8)) as cost_weight
    from {{ ref('int_compared_cases') }}
    where window_name = 'baseline'
    group by grouping sets ((hospital_ccn), (hospital_ccn, service_line))
),

rate_centers as (
    select * from {{ ref('stg_rate_centers') }}
),

trends as (
    select component, trend from {{ ref('int_trends') }} where window_name = 'baseline'
),

compared as (
    select
        items.hospital_ccn,
        items.rate_center,
        items.service_line,
        coalesce(
            rate_centers.rate_center_name,
            case items.rate_center when 'ALL' then 'All (cost as reported)' else 'Not mapped to a rate center' end
        ) as rate_center_name,
        rate_centers.rate_center_group,
        coalesce(rate_centers.component, 'core') as component,
        totals.cases,
        coalesce(performance.cases_charged, 0) as cases_charged,
        cast(coalesce(performance.cost, 0) as decimal(18, 2)) as cost,
        {{ round_div('coalesce(performance.cost, 0)', 'totals.cost_weight', 4) }} as adjusted_cost,
        totals.benchmarked_cases,
        cast(coalesce(performance.benchmarked_cost, 0) as decimal(18, 2)) as benchmarked_cost,
        benchmarks.statewide_cost,
        cast(coalesce(before.cost, 0) as decimal(18, 2)) as baseline_cost,
        {{ round_div('coalesce(before.cost, 0)', 'baseline_weights.cost_weight', 4) }} as own_year_baseline
    from items
    inner join totals using (hospital_ccn, service_line)
    left join performance using (hospital_ccn, rate_center, service_line)
    left join before using (hospital_ccn, rate_center, service_line)
    left join benchmarks using (hospital_ccn, rate_center, service_line)
    left join baseline_weights using (hospital_ccn, service_line)
    left join rate_centers using (rate_center)
),

trended as (
    select
        compared.*,
        {{ round_to(exact_product('compared.own_year_baseline', 'trends.trend', 4), 4) }} as baseline_adjusted_cost
    from compared
    left join trends using (component)
)

select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    rate_center,
    service_line,
    rate_center_name,
    rate_center_group,
    component,
    cases,
    cases_charged,
    cost,
    adjusted_cost,
    benchmarked_cases,
    benchmarked_cost,
    statewide_cost,
    cast(benchmarked_cost - statewide_cost as decimal(18, 4)) as difference_from_statewide,
    {{ round_div('benchmarked_cost', 'statewide_cost', 8) }} as cost_ratio,
    baseline_cost,
    baseline_adjusted_cost,
    {{ round_div('adjusted_cost - baseline_adjusted_cost', 'baseline_adjusted_cost', 8) }} as adjusted_cost_change
from trended
