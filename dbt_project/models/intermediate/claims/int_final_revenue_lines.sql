-- Revenue lines of final claims: CCLF2 has no adjustment code and follows its claim.
{{ config(materialized='view') }}
with records as (
    select * from {{ ref('stg_revenue_lines') }}
    qualify {{ newest_delivery(['claim_id', 'line_no']) }}
),

claims as (
    select claim_id from {{ ref('int_final_part_a_claims') }}
)

select
    records.claim_id,
    records.line_no,
    records.revenue_code,
    records.hcpcs_code,
    records.service_date,
    records.units,
    records.paid_amount
from records
inner join claims on records.claim_id = claims.claim_id
