-- One row per version of a Part A claim (original, cancellation or adjustment), however often it was delivered, under the
-- beneficiary's current identifier. Denied: a non-payment reason (inputs.md, "Final action"). Claims that CMS has since
-- withdrawn are left out.
with claims as (
    select
        *,
        {{ delivery_moment() }} as delivered_at
    from {{ ref('stg_part_a_claims') }}
    qualify {{ newest_delivery(['claim_id', 'adjustment_type_code']) }}
),

withdrawn as (
    select * from {{ ref('int_withdrawn_claims') }} where part = 'A'
),

identifiers as (
    select * from {{ ref('int_current_identifiers') }}
)

select
    claims.claim_id,
    claims.adjustment_type_code,
    coalesce(identifiers.current_mbi, claims.mbi) as mbi,
    claims.claim_type_code,
    claims.provider_ccn,
    claims.from_date,
    claims.thru_date,
    claims.payment_amount,
    claims.nonpayment_reason_code is not null as is_denied,
    claims.patient_status_code,
    claims.ms_drg,
    claims.admission_type_code,
    claims.admission_source_code,
    claims.principal_diagnosis,
    claims.attending_npi,
    claims.operating_npi,
    claims.delivery_month,
    claims.source_file,
    claims.source_row
from claims
left join identifiers on claims.mbi = identifiers.mbi
left join withdrawn on claims.claim_id = withdrawn.claim_id
where withdrawn.withdrawn_at is null or withdrawn.withdrawn_at <= claims.delivered_at
