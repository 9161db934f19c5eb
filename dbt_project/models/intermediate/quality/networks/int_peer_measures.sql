-- The peers' measures and their relative change with its variance.
with counts as (
    select * from {{ ref('int_peer_counts') }}
),

state as (
    select * from {{ ref('int_quality_state') }}
),

measured as (
    select
        counts.*,
        {{ measure_value('baseline_') }} as baseline_value,
        {{ measure_value() }} as value
    from counts
    cross join state
)

select
    group_kind,
    group_id,
    topic,
    measure,
    hospitals,
    baseline_numerator,
    baseline_denominator,
    numerator,
    denominator,
    baseline_value,
    value,
    {{ relative_change('value', 'baseline_value') }} as change,
    {{ change_variance() }} as change_variance
from measured
