-- Diagnoses of final claims: CCLF4 has no adjustment code and follows its claim.
{{ config(materialized='view') }}
with records as (
    select * from {{ ref('stg_claim_diagnoses') }}
    qualify {{ newest_delivery(['claim_id', 'product_type_code', 'sequence_no']) }}
),

claims as (
    select claim_id from {{ ref('int_final_part_a_claims') }}
)

select
    records.claim_id,
    records.product_type_code,
    records.sequence_no,
    records.diagnosis_code,
    records.present_on_admission_code
from records
inner join claims on records.claim_id = claims.claim_id
