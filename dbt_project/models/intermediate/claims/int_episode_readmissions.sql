-- One row per index episode (discharged alive, not against advice, not still a patient, not transferred to a hospital that
-- billed nothing) with the earliest later unplanned admission within 30 days, at any acute hospital (methodology §12). A
-- return on the day of discharge counts. A planned return (status 81–95) has none.
with episodes as (
    select * from {{ ref('int_inpatient_episodes') }}
),

unplanned as (
    select
        episodes.mbi,
        episodes.admit_date,
        episodes.first_hospital_ccn
    from episodes
    left join {{ ref('int_planned_admissions') }} as planned using (mbi, admit_date)
    where planned.mbi is null
)

select
    episodes.mbi,
    episodes.admit_date,
    episodes.discharge_date,
    episodes.hospital_ccn,
    episodes.last_admit_date,
    episodes.payment_amount,
    unplanned.admit_date as readmission_date,
    unplanned.first_hospital_ccn as readmission_hospital_ccn,
    unplanned.admit_date is not null as is_readmitted
from episodes
left join unplanned
    on
        episodes.mbi = unplanned.mbi
        and unplanned.admit_date > episodes.admit_date
        and unplanned.admit_date >= episodes.discharge_date
        and unplanned.admit_date <= {{ add_days('episodes.discharge_date', 30) }}
        and coalesce(episodes.patient_status_code not between '81' and '95', true)
where {{ may_be_index("coalesce(episodes.patient_status_code, '01')") }}
qualify row_number() over (partition by episodes.mbi, episodes.admit_date order by unplanned.admit_date) = 1
