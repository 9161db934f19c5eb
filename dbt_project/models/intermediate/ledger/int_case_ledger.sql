-- The conservation ledger (methodology §3), cases and their cost: at every stage, in = kept + excluded. Each number is
-- counted at its source, so that a join that loses or duplicates rows shows as a difference.
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

{{ ledger_rows('stages') }}
