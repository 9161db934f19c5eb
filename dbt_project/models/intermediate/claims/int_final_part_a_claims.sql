-- Final Part A claims, denied ones included and flagged: they stay outside every sum of payments.
with claims as (
    select * from {{ ref('int_part_a_claims') }}
),

final_action as (
    select * from {{ ref('int_final_action') }} where part = 'A' and status = 'FINAL'
)

select
    claims.claim_id,
    claims.mbi,
    claims.claim_type_code,
    claims.provider_ccn,
    {{ facility_type('claims.provider_ccn') }} as facility_type,
    claims.from_date,
    claims.thru_date,
    claims.payment_amount,
    claims.is_denied,
    claims.patient_status_code,
    claims.ms_drg,
    claims.admission_type_code,
    claims.admission_source_code,
    claims.principal_diagnosis,
    claims.attending_npi,
    claims.operating_npi,
    claims.source_file,
    claims.source_row
from claims
inner join final_action
    on
        claims.claim_id is not distinct from final_action.claim_id
        and claims.adjustment_type_code is not distinct from final_action.adjustment_type_code
