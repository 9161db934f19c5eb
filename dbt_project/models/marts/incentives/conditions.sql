select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    npi,
    condition_id,
    description,
    weight,
    case when is_missing then null when is_met then 'Y' else 'N' end as met,
    is_missing,
    source,
    reported,
    computed_measure,
    measured_level,
    measured_value,
    threshold_operator,
    threshold_value,
    weighted_amount
from {{ ref('int_condition_outcomes') }}
