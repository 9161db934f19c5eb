-- The conservation ledger (methodology §3), cases and their cost: at every stage what came in is kept or excluded. Each
-- number is counted where it arises, so that a join that loses or doubles rows shows as a difference.
with stages as (
    select * from {{ ref('int_case_ledger_1_intake') }}
    union all
    select * from {{ ref('int_case_ledger_2_charges') }}
    union all
    select * from {{ ref('int_case_ledger_3_costs') }}
    union all
    select * from {{ ref('int_case_ledger_4_exclusions') }}
    union all
    select * from {{ ref('int_case_ledger_5_norms') }}
)

select
    stage,
    window_name,
    hospital_ccn,
    cast(cases_in as bigint) as cases_in,
    cast(cases_kept as bigint) as cases_kept,
    cast(cases_excluded as bigint) as cases_excluded,
    cast(amount_in as decimal(18, 2)) as amount_in,
    cast(amount_kept as decimal(18, 2)) as amount_kept,
    cast(amount_excluded as decimal(18, 2)) as amount_excluded
from stages
