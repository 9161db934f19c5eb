-- Procedures of final claims: CCLF3 has no adjustment code and follows its claim.
{{ config(materialized='view') }}
with records as (
    select * from {{ ref('stg_claim_procedures') }}
    qualify {{ newest_delivery(['claim_id', 'sequence_no']) }}
),

claims as (
    select claim_id from {{ ref('int_final_part_a_claims') }}
)

select
    records.claim_id,
    records.sequence_no,
    records.procedure_code,
    records.procedure_date
from records
inner join claims on records.claim_id = claims.claim_id
