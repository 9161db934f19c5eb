{%- set every_window = 'base_year' if run_fact('kind') == 'norms' else 'all' %}
-- Stage 1 of the conservation ledger: discharges as received, compared with the lake; dollars are total charges.
with receipts as (
    select * from {{ ref('stg_receipts') }}
),

accepted as (
    select hospital_ccn, count(*) as cases, sum(total_charges) as amount
    from {{ ref('stg_discharges') }}
    group by hospital_ccn
)

select
    '1 intake' as stage,
    '{{ every_window }}' as window_name,
    receipts.hospital_ccn,
    receipts.rows_read as cases_in,
    coalesce(accepted.cases, 0) as cases_kept,
    receipts.rows_excluded as cases_excluded,
    receipts.amount_read as amount_in,
    coalesce(accepted.amount, 0) as amount_kept,
    receipts.amount_excluded as amount_excluded
from receipts
left join accepted using (hospital_ccn)
