-- Improvement incentive (methodology §8): surgical by cost, medical by days, compared with the physician's own baseline.
with performance as (
    select * from {{ ref('int_stream_averages') }} where window_name = 'performance'
),

baseline as (
    select * from {{ ref('int_stream_averages') }} where window_name = 'baseline'
),

pools as (
    select * from {{ ref('int_improvement_pools') }}
),

trends as (
    select trend from {{ ref('int_trends') }} where window_name = 'baseline' and component = 'total'
),

compared as (
    select
        performance.hospital_ccn,
        performance.npi,
        performance.stream,
        performance.cases,
        performance.adjusted_cost,
        performance.adjusted_los,
        coalesce(baseline.cases, 0) as baseline_cases,
        baseline.adjusted_cost as baseline_adjusted_cost,
        baseline.adjusted_los as baseline_adjusted_los,
        trends.trend,
        pools.mpi_improvement,
        pools.spread,
        pools.per_diem,
        coalesce(baseline.cases, 0) >= {{ policy('min_baseline_cases') }} as has_baseline
    from performance
    inner join pools using (hospital_ccn, npi, stream)
    left join baseline using (hospital_ccn, npi, stream)
    left join trends on true
),

fractions as (
    select
        *,
        case
            when stream <> 'surgical' then null
            when not has_baseline or spread <= 0 then cast(0 as decimal(18, 8))
            else {{ round_div(
                clamp(exact_product('baseline_adjusted_cost', 'trend', 4) ~ ' - adjusted_cost', '0', 'spread'),
                'spread', 8, places=12
            ) }}
        end as improvement_fraction,
        case
            when stream <> 'medical' then null
            when not has_baseline then cast(0 as decimal(18, 4))
            else cast(greatest(baseline_adjusted_los - adjusted_los, 0) as decimal(18, 4))
        end as days_saved
    from compared
),

earned as (
    select
        *,
        case
            when stream = 'surgical'
                then {{ round_to(exact_product('mpi_improvement', 'improvement_fraction'), 2) }}
            else {{ round_to(exact_product('per_diem', 'days_saved'), 2) }}
        end as uncapped_incentive
    from fractions
)

select
    hospital_ccn,
    npi,
    stream,
    cases,
    adjusted_cost,
    adjusted_los,
    baseline_cases,
    baseline_adjusted_cost,
    baseline_adjusted_los,
    trend,
    mpi_improvement,
    spread,
    per_diem,
    has_baseline,
    improvement_fraction,
    days_saved,
    {% if policy('medical_improvement_cap') == 'mpi' -%}
    least(uncapped_incentive, mpi_improvement) as improvement_incentive
    {%- else -%}
    uncapped_incentive as improvement_incentive
    {%- endif %}
from earned
