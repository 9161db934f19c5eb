-- One row per discharge and window with its events: hospital-acquired conditions, death, transfer, days.
with case_windows as (
    select * from {{ ref('int_case_windows') }}
),

cases as (
    select * from {{ ref('int_cases') }}
),

discharges as (
    select * from {{ ref('stg_discharges') }}
)

select
    case_windows.window_name,
    case_windows.hospital_ccn,
    case_windows.account_no,
    cases.npi,
    coalesce(cases.service_line, 'UNGROUPED') as service_line,
    coalesce(cases.apr_drg, 'NONE') as apr_drg,
    coalesce(cases.severity_of_illness, '0') as severity_of_illness,
    cases.mdc,
    cases.length_of_stay,
    cases.discharge_disposition,
    {{ count_items('discharges.hac_flags') }} as hac_flags,
    discharges.hac_flags as hac_codes,
    coalesce(cases.discharge_disposition in ('20', '40', '41', '42'), false) as is_death,
    coalesce({{ is_sent_on('cases.discharge_disposition') }}, false) as is_sent_on
from case_windows
inner join cases using (hospital_ccn, account_no)
inner join discharges using (hospital_ccn, account_no)
