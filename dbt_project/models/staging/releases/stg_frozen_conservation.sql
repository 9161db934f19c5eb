-- The base year's part of the conservation ledger, frozen with its norm table.
select
    stage,
    window_name,
    hospital_ccn,
    cases_in,
    cases_kept,
    cases_excluded,
    amount_in,
    amount_kept,
    amount_excluded
from {{ source('lake', 'frozen_conservation') }}
