-- Every group's measures: the baseline, the performance period with 95% limits, and the relative change with its variance.
with counts as (
    select * from {{ ref('int_group_counts') }}
),

state as (
    select * from {{ ref('int_quality_state') }}
),

measured as (
    select
        counts.*,
        {{ measure_value('baseline_') }} as baseline_value,
        {{ measure_value() }} as value,
        {{ measure_limit('lower') }} as lower_limit,
        {{ measure_limit('upper') }} as upper_limit
    from counts
    cross join state
)

select
    group_kind,
    group_id,
    topic,
    group_name,
    measure,
    hospitals,
    member_ccns,
    baseline_numerator,
    baseline_denominator,
    baseline_expected,
    baseline_value,
    numerator,
    denominator,
    expected,
    value,
    lower_limit,
    upper_limit,
    {{ relative_change('value', 'baseline_value') }} as change,
    {{ change_variance() }} as change_variance
from measured
