-- The base year's exclusions, frozen with its norm table.
select
    window_name,
    hospital_ccn,
    exclusion_reason,
    cases,
    cost
from {{ source('lake', 'frozen_exclusions') }}
