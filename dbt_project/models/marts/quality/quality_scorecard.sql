-- One row per measure, for each hospital, each community and the state: baseline, period, change, target, distance from
-- it, and whether it is on track.
with measures as (
    select * from {{ ref('int_group_measures') }} where group_kind in ('hospital', 'community', 'state')
),

targets as (
    select * from {{ ref('stg_quality_targets') }}
),

with_targets as (
    select
        measures.*,
        targets.measure_label,
        targets.unit,
        targets.target_change,
        {{ round_to(exact_product('measures.baseline_value', '(1 + targets.target_change)', 8), 8) }} as target_value,
        targets.reference_value,
        targets.reference_goal,
        targets.reference_note
    from measures
    inner join targets using (measure)
)

select
    group_kind as entity_kind,
    group_id as entity_id,
    '{{ run_fact("name") }}' as period,
    measure,
    group_name as entity_name,
    measure_label,
    unit,
    hospitals,
    member_ccns,
    baseline_numerator,
    baseline_denominator,
    baseline_value,
    numerator,
    denominator,
    expected,
    value,
    lower_limit,
    upper_limit,
    change,
    target_change,
    target_value,
    cast(value - target_value as decimal(18, 8)) as distance,
    value <= target_value as is_on_track,
    reference_value,
    reference_goal,
    reference_note
from with_targets
