-- One row per episode: stays at acute hospitals that overlap or are joined by a transfer on the same or the next day
-- (methodology §11), recognized by the patient's status or by the receiving hospital's source of admission. The
-- discharging hospital is responsible for what follows; the hospital where the episode began is in a separate column.
{%- set order = ['admit_date', 'discharge_date', 'hospital_ccn'] %}
{%- set continues -%}
    admit_date < discharged_so_far
    or admit_date = admitted_so_far
    or admit_date <= {{ add_days('sent_on_so_far', 1) }}
    or (admission_source_code = '4' and admit_date <= {{ add_days('discharged_so_far', 1) }})
{%- endset %}
with stays as (
    select * from {{ ref('int_inpatient_stays') }} where facility_type = 'acute'
),

with_latest_discharge as (
    select
        *,
        max(admit_date) over earlier as admitted_so_far,
        max(discharge_date) over earlier as discharged_so_far,
        max(case when {{ is_sent_on('patient_status_code') }} then discharge_date end) over earlier as sent_on_so_far
    from stays
    window earlier as ({{ window_of_earlier(['mbi'], order) }})
),

numbered as (
    {{ numbered_episodes('with_latest_discharge', ['mbi'], order, continues) }}
),

ranked as (
    {{ ranked_in_episodes('numbered', ['mbi'], order) }}
)

select
    mbi,
    min(admit_date) as admit_date,
    max(discharge_date) as discharge_date,
    count(*) as stays,
    cast(sum(payment_amount) as decimal(18, 2)) as payment_amount,
    max(hospital_ccn) filter (where place = 1) as first_hospital_ccn,
    max(hospital_ccn) filter (where place_from_last = 1) as hospital_ccn,
    max(admit_date) filter (where place_from_last = 1) as last_admit_date,
    max(patient_status_code) filter (where place_from_last = 1) as patient_status_code,
    max(ms_drg) filter (where place_from_last = 1) as ms_drg,
    max(admission_type_code) filter (where place = 1) as admission_type_code,
    max(first_claim_id) filter (where place = 1) as first_claim_id
from ranked
group by mbi, episode_no
