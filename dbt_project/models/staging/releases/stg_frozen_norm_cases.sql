-- The base year's cases behind the norms, frozen with them.
select
    base_year,
    apr_drg,
    severity_of_illness,
    case_number,
    cost,
    core_cost,
    supply_drug_cost,
    length_of_stay
from {{ source('lake', 'frozen_norm_cases') }}
