-- The program of every hospital that has cases, care partners, a protocol or a program (methodology §15). A hospital may
-- lack any of them without affecting another hospital's payments.
with programs as (
    select * from {{ ref('stg_programs') }}
),

protocols as (
    select * from {{ ref('stg_protocols') }}
),

listed as (
    select hospital_ccn, count(*) as care_partners from {{ ref('stg_care_partners') }} group by hospital_ccn
),

all_hospitals as (
    select hospital_ccn from {{ ref('int_windowed_cases') }} where window_name = 'performance'
    union
    select hospital_ccn from listed
    union
    select hospital_ccn from protocols
    union
    select hospital_ccn from programs
)

select
    all_hospitals.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    programs.first_performance_period,
    programs.program_year,
    programs.accepted_first_period,
    programs.other_first_periods,
    programs.corrected_first_period,
    programs.correction_filed_in,
    coalesce(programs.is_first_period_changed, false) as is_first_period_changed,
    protocols.protocol_year,
    protocols.version as protocol_version,
    protocols.sha256 as protocol_sha256,
    protocols.approved_on as protocol_approved_on,
    coalesce(protocols.has_locked_conditions, false) as has_locked_conditions,
    programs.terms as protocol_terms,
    coalesce(listed.care_partners, 0) as care_partners
from all_hospitals
left join programs on all_hospitals.hospital_ccn = programs.hospital_ccn
left join protocols on all_hospitals.hospital_ccn = protocols.hospital_ccn
left join listed on all_hospitals.hospital_ccn = listed.hospital_ccn
