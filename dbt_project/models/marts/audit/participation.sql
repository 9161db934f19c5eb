-- Which hospitals participate and which have submitted data: one row per hospital with discharges or care partners in the
-- period.
with windowed as (
    select * from {{ ref('int_windowed_cases') }} where window_name = 'performance'
),

norms as (
    select apr_drg, severity_of_illness, true as has_norm from {{ ref('int_norms_in_force') }}
),

care_partners as (
    select hospital_ccn, npi, true as is_care_partner from {{ ref('stg_care_partners') }}
),

listed as (
    select hospital_ccn, count(*) as care_partners from care_partners group by hospital_ccn
),

period as (
    select
        year(start_date) || 'Q' || quarter(start_date) as first_quarter,
        year(end_date) || 'Q' || quarter(end_date) as last_quarter
    from {{ ref('stg_windows') }}
    where window_name = 'performance'
),

received as (
    select
        receipts.hospital_ccn,
        count(*) as quarters_received,
        cast(sum(receipts.rows_read) as bigint) as discharges_read,
        cast(sum(receipts.rows_excluded) as bigint) as discharges_set_aside
    from {{ ref('stg_quarter_receipts') }} as receipts
    inner join period on receipts.quarter between period.first_quarter and period.last_quarter
    group by receipts.hospital_ccn
),

cases as (
    select
        windowed.hospital_ccn,
        count(*) as discharges,
        count(*) filter (where windowed.is_counted) as counted_cases,
        count(*) filter (where windowed.is_counted and norms.has_norm) as cases_with_norm,
        count(*) filter (where windowed.is_counted and norms.has_norm and care_partners.is_care_partner)
            as care_partner_cases
    from windowed
    left join norms using (apr_drg, severity_of_illness)
    left join care_partners using (hospital_ccn, npi)
    group by windowed.hospital_ccn
),

all_hospitals as (
    select hospital_ccn from cases
    union
    select hospital_ccn from listed
),

hospitals as (
    select * from {{ ref('stg_hospitals') }}
),

protocols as (
    select * from {{ ref('stg_protocols') }}
),

programs as (
    select * from {{ ref('stg_programs') }}
)

select
    all_hospitals.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    coalesce(hospitals.hospital_name, all_hospitals.hospital_ccn) as hospital_name,
    hospitals.system_name,
    protocols.hospital_ccn is not null as has_protocol,
    protocols.legal_name,
    programs.first_performance_period,
    programs.program_year,
    protocols.meeting_frequency,
    protocols.meetings_reported,
    coalesce(listed.care_partners, 0) as care_partners,
    coalesce(received.quarters_received, 0) as quarters_received,
    coalesce(received.discharges_read, 0) as discharges_read,
    coalesce(received.discharges_set_aside, 0) as discharges_set_aside,
    coalesce(cases.discharges, 0) as discharges,
    coalesce(cases.counted_cases, 0) as counted_cases,
    coalesce(cases.cases_with_norm, 0) as cases_with_norm,
    coalesce(cases.care_partner_cases, 0) as care_partner_cases
from all_hospitals
left join hospitals on all_hospitals.hospital_ccn = hospitals.hospital_ccn
left join protocols on all_hospitals.hospital_ccn = protocols.hospital_ccn
left join programs on all_hospitals.hospital_ccn = programs.hospital_ccn
left join listed on all_hospitals.hospital_ccn = listed.hospital_ccn
left join received on all_hospitals.hospital_ccn = received.hospital_ccn
left join cases on all_hospitals.hospital_ccn = cases.hospital_ccn
