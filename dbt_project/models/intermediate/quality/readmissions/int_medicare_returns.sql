-- One row per Medicare index episode of a window that can be followed for 30 days in the claims delivered, and whether any
-- post-acute care came before the readmission (methodology §12).
with windows as (
    select * from {{ ref('stg_windows') }}
),

-- No file contains a service after its own date.
claims_end as (
    select max(file_date) as day from {{ ref('stg_beneficiaries') }} where not is_run_out
),

services as (
    select
        mbi,
        episode_admit_date as admit_date,
        min(from_date) as first_service_date
    from {{ ref('int_post_acute_services') }}
    group by mbi, episode_admit_date
)

select
    windows.window_name,
    returns.mbi,
    returns.admit_date,
    returns.hospital_ccn,
    episodes.patient_status_code,
    returns.discharge_date,
    returns.is_readmitted,
    returns.readmission_date,
    {{ days_between('returns.discharge_date', 'returns.readmission_date') }} as days_to_return,
    returns.is_readmitted
    and (services.first_service_date is null or services.first_service_date > returns.readmission_date)
        as is_without_post_acute
from {{ ref('int_episode_readmissions') }} as returns
inner join {{ ref('int_inpatient_episodes') }} as episodes using (mbi, admit_date)
inner join windows on returns.discharge_date between windows.start_date and windows.end_date
cross join claims_end
left join services using (mbi, admit_date)
where {{ add_days('returns.discharge_date', 30) }} <= claims_end.day
