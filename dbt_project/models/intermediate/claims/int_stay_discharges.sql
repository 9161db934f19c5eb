-- The hospital's own record of a Medicare stay: same hospital and dates, same birth date and sex, and only if exactly one
-- discharge matches exactly one stay.
with stays as (
    select * from {{ ref('int_inpatient_stays') }}
),

beneficiaries as (
    select
        coalesce(identifiers.current_mbi, beneficiaries.mbi) as mbi,
        max_by(beneficiaries.birth_date, beneficiaries.file_date) as birth_date,
        max_by(beneficiaries.sex, beneficiaries.file_date) as sex
    from {{ ref('stg_beneficiaries') }} as beneficiaries
    left join {{ ref('int_current_identifiers') }} as identifiers on beneficiaries.mbi = identifiers.mbi
    group by coalesce(identifiers.current_mbi, beneficiaries.mbi)
),

discharges as (
    select * from {{ ref('stg_discharges') }}
),

pairs as (
    select
        stays.mbi,
        stays.hospital_ccn,
        stays.admit_date,
        discharges.account_no,
        discharges.grouper_version,
        discharges.apr_drg,
        discharges.severity_of_illness,
        discharges.attending_npi,
        discharges.operating_npi,
        count(*) over (partition by stays.mbi, stays.hospital_ccn, stays.admit_date) as discharges_of_stay,
        count(*) over (partition by discharges.hospital_ccn, discharges.account_no) as stays_of_discharge
    from stays
    inner join beneficiaries on stays.mbi = beneficiaries.mbi
    inner join discharges
        on
            stays.hospital_ccn = discharges.hospital_ccn
            and stays.admit_date = discharges.admit_date
            and stays.discharge_date = discharges.discharge_date
            and beneficiaries.birth_date = discharges.birth_date
            and beneficiaries.sex = discharges.sex
)

select
    mbi,
    hospital_ccn,
    admit_date,
    account_no,
    grouper_version,
    apr_drg,
    severity_of_illness,
    attending_npi,
    operating_npi
from pairs
where discharges_of_stay = 1 and stays_of_discharge = 1
