select
    hospital_ccn,
    intervention_id,
    category,
    wording,
    is_included,
    is_existing_strategy,
    is_condition_of_payment,
    non_cash_resources
from {{ source('lake', 'protocol_interventions') }}
