-- One row per stay: final inpatient claims (60, 61) of one beneficiary at one hospital with overlapping or adjacent dates
-- (methodology §11). A denied claim is also a stay, without its payment.
{%- set owner = ['mbi', 'provider_ccn'] %}
{%- set order = ['from_date', 'thru_date', 'claim_id'] %}
with claims as (
    select * from {{ ref('int_final_part_a_claims') }} where claim_type_code in ('60', '61')
),

with_latest_date as (
    select
        *,
        max(thru_date) over ({{ window_of_earlier(owner, order) }}) as thru_date_so_far
    from claims
),

numbered as (
    {{ numbered_episodes('with_latest_date', owner, order, 'from_date <= ' ~ add_days('thru_date_so_far', 1), 'stay_no') }}
),

ranked as (
    {{ ranked_in_episodes('numbered', owner, order, 'stay_no') }}
)

select
    mbi,
    provider_ccn as hospital_ccn,
    min(from_date) as admit_date,
    max(thru_date) as discharge_date,
    min(facility_type) as facility_type,
    count(*) as claims,
    min(is_denied) as is_denied,
    cast(coalesce(sum(payment_amount) filter (where not is_denied), 0) as decimal(18, 2)) as payment_amount,
    max(patient_status_code) filter (where place_from_last = 1) as patient_status_code,
    max(ms_drg) filter (where place_from_last = 1) as ms_drg,
    max(attending_npi) filter (where place_from_last = 1) as attending_npi,
    max(operating_npi) filter (where place_from_last = 1) as operating_npi,
    max(admission_type_code) filter (where place = 1) as admission_type_code,
    max(admission_source_code) filter (where place = 1) as admission_source_code,
    max(claim_id) filter (where place = 1) as first_claim_id,
    max(claim_id) filter (where place_from_last = 1) as last_claim_id
from ranked
group by mbi, provider_ccn, stay_no
