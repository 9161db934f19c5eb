-- One row per episode of one person's hospital care, by the statewide patient id: stays that overlap or are joined by a
-- transfer on the same or the next day (methodology §12). A return on the day of discharge home is not a transfer.
{%- set order = ['admit_date', 'discharge_date', 'hospital_ccn', 'account_no'] %}
{#- Last line: the receiving hospital reports that another hospital transferred the patient. #}
{%- set continues -%}
    admit_date < discharged_so_far
    or admit_date <= {{ add_days('sent_on_so_far', 1) }}
    or (source_of_admission = '04' and admit_date <= {{ add_days('discharged_so_far', 1) }})
{%- endset %}
with stays as (
    select
        patient_id,
        hospital_ccn,
        account_no,
        admit_date,
        discharge_date,
        discharge_disposition,
        nature_of_admission,
        source_of_admission,
        coalesce(procedures, '') <> '' as has_procedure
    from {{ ref('stg_discharges') }}
    where coalesce(patient_id, '') <> '' and admit_date is not null and discharge_date is not null
),

with_latest_discharge as (
    select
        *,
        max(discharge_date) over earlier as discharged_so_far,
        max(case when {{ is_sent_on('discharge_disposition') }} then discharge_date end) over earlier as sent_on_so_far
    from stays
    window earlier as ({{ window_of_earlier(['patient_id'], order) }})
),

numbered as (
    {{ numbered_episodes('with_latest_discharge', ['patient_id'], order, continues) }}
),

ranked as (
    {{ ranked_in_episodes('numbered', ['patient_id'], order) }}
)

select
    patient_id,
    cast(episode_no as bigint) as episode_no,
    min(admit_date) as admit_date,
    max(discharge_date) as discharge_date,
    count(*) as stays,
    max(hospital_ccn) filter (where place = 1) as first_hospital_ccn,
    max(account_no) filter (where place = 1) as first_account_no,
    -- Planned, by the methodology's proxy: scheduled, with a procedure.
    bool_or(nature_of_admission = '5' and has_procedure) filter (where place = 1) as is_planned,
    max(hospital_ccn) filter (where place_from_last = 1) as hospital_ccn,
    max(account_no) filter (where place_from_last = 1) as account_no,
    max(discharge_disposition) filter (where place_from_last = 1) as discharge_disposition
from ranked
group by patient_id, episode_no
