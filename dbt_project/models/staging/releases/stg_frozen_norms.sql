-- The norm table of the base year, computed once per policy version (methodology §6).
select
    norm_method,
    apr_drg,
    severity_of_illness,
    cases,
    physicians,
    best_practice_norm,
    p75_cost,
    improvement_ceiling_cost,
    mean_cost,
    mean_los,
    best_practice_variance,
    total_available_incentive,
    maximum_physician_incentive,
    cost_weight,
    los_weight,
    core_weight,
    supply_drug_weight
from {{ source('lake', 'frozen_norms') }}
