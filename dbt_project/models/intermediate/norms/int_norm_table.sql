-- A period reads the frozen norm table of its base year; a study, and the build that freezes the table, compute it.
with computed as (
    select * from {{ ref('int_norms') }}
),

frozen as (
    select * from {{ ref('stg_frozen_norms') }}
)

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
from {{ 'frozen' if run_fact('kind') == 'period' else 'computed' }}
