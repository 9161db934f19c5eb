-- One row per index discharge of a window with the earliest later admission within 30 days, at any hospital
-- (methodology §12): an unplanned one if there is any, else a planned one. The data end with the hospital's last quarter in
-- the window, so that every index discharge can be followed for 30 days, in both windows alike.
with episodes as (
    select * from {{ ref('int_care_episodes') }}
),

case_windows as (
    select * from {{ ref('int_case_windows') }}
),

cases as (
    select * from {{ ref('int_cases') }}
),

data_ends as (
    select
        case_windows.window_name,
        case_windows.hospital_ccn,
        least({{ quarter_end('max(cases.discharge_date)') }}, max(windows.end_date)) as data_end
    from case_windows
    inner join cases using (hospital_ccn, account_no)
    inner join {{ ref('stg_windows') }} as windows using (window_name)
    group by case_windows.window_name, case_windows.hospital_ccn
),

index_discharges as (
    select
        case_windows.window_name,
        episodes.patient_id,
        episodes.episode_no,
        episodes.hospital_ccn,
        episodes.account_no,
        episodes.discharge_date,
        episodes.discharge_disposition,
        cases.npi,
        coalesce(cases.service_line, 'UNGROUPED') as service_line,
        coalesce(cases.apr_drg, 'NONE') as apr_drg,
        coalesce(cases.severity_of_illness, '0') as severity_of_illness
    from episodes
    inner join case_windows using (hospital_ccn, account_no)
    inner join cases using (hospital_ccn, account_no)
    inner join data_ends using (window_name, hospital_ccn)
    where
        {{ add_days('episodes.discharge_date', 30) }} <= data_ends.data_end
        and {{ may_be_index('episodes.discharge_disposition') }}
        and coalesce(cases.mdc, '') not in ('15', '19')  -- newborns, psychiatric
        and coalesce(cases.apr_drg, '') <> '860'  -- rehabilitation
),

followed as (
    select
        index_discharges.*,
        later.admit_date as return_date,
        later.first_hospital_ccn as return_hospital_ccn,
        later.first_account_no as return_account_no,
        later.is_planned or {{ plans_to_return('index_discharges.discharge_disposition') }} as is_planned,
        row_number() over (
            partition by index_discharges.window_name, index_discharges.hospital_ccn, index_discharges.account_no
            order by
                later.is_planned or {{ plans_to_return('index_discharges.discharge_disposition') }},
                later.admit_date,
                later.episode_no
        ) as place
    from index_discharges
    left join episodes as later
        on
            index_discharges.patient_id = later.patient_id
            and index_discharges.episode_no < later.episode_no
            and later.admit_date <= {{ add_days('index_discharges.discharge_date', 30) }}
)

select
    window_name,
    hospital_ccn,
    account_no,
    npi,
    service_line,
    apr_drg,
    severity_of_illness,
    discharge_date,
    discharge_disposition,
    return_date is not null and not is_planned as is_readmitted,
    return_date is not null and is_planned as is_planned_return,
    return_date,
    return_hospital_ccn,
    return_account_no,
    {{ days_between('discharge_date', 'return_date') }} as days_to_return
from followed
where place = 1
