select
    measure,
    label as measure_label,
    unit,
    target_change,
    reference_value,
    reference_goal,
    reference_note
from {{ source('lake', 'quality_targets') }}
