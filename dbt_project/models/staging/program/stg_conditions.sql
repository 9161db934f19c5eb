select
    hospital_ccn,
    condition_id,
    description,
    computed_measure,
    measured_level,
    threshold_operator,
    threshold_value,
    measure,
    threshold,
    weight_percent,
    intervention_ids
from {{ source('lake', 'conditions') }}
