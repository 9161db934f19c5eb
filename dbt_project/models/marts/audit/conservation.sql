-- The whole conservation ledger of a period, with the base year's part, which is stored with its frozen norm table.
with stages as (
    select * from {{ ref('int_case_ledger') }}
    union all
    select * from {{ ref('int_incentive_ledger') }}
    union all
    select * from {{ ref('stg_frozen_conservation') }}
)

select
    '{{ run_fact("name") }}' as period,
    stage,
    window_name,
    hospital_ccn,
    cases_in,
    cases_kept,
    cases_excluded,
    amount_in,
    amount_kept,
    amount_excluded
from stages
