with totals as (
    select * from {{ ref('int_partner_totals') }}
),

baselines as (
    select * from {{ ref('int_partner_baselines') }}
),

intervals as (
    select * from {{ ref('int_partner_intervals') }}
)

select
    totals.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    totals.npi,
    totals.stream,
    totals.cases,
    totals.cost,
    totals.days,
    {{ round_div('totals.cost_weight', 'totals.cases', 8) }} as case_mix_index,
    totals.adjusted_cost,
    {{ interval_low('totals.adjusted_cost', 'intervals.cost_half_width') }} as adjusted_cost_low,
    {{ interval_high('totals.adjusted_cost', 'intervals.cost_half_width') }} as adjusted_cost_high,
    totals.best_practice_adjusted_cost,
    totals.p75_adjusted_cost,
    totals.norm_adjusted_cost,
    totals.adjusted_los,
    {{ interval_low('totals.adjusted_los', 'intervals.los_half_width') }} as adjusted_los_low,
    {{ interval_high('totals.adjusted_los', 'intervals.los_half_width') }} as adjusted_los_high,
    totals.norm_adjusted_los,
    coalesce(baselines.cases, 0) as baseline_cases,
    baselines.adjusted_cost as baseline_adjusted_cost,
    baselines.adjusted_los as baseline_adjusted_los
from totals
left join baselines using (hospital_ccn, npi, stream)
left join intervals using (hospital_ccn, npi, stream)
