-- The hospital area each Medicare beneficiary lives in: a ZIP code belongs to the hospital that discharged the most
-- stays of its residents up to the end of the baseline, so that the period itself cannot change an area. A ZIP code
-- without stays is assigned by its first three digits; NONE if those have no stays either.
with beneficiaries as (
    select
        coalesce(identifiers.current_mbi, beneficiaries.mbi) as mbi,
        max_by(beneficiaries.zip_code, concat(beneficiaries.file_date, beneficiaries.zip_code)) as zip_code
    from {{ ref('stg_beneficiaries') }} as beneficiaries
    left join {{ ref('int_current_identifiers') }} as identifiers on beneficiaries.mbi = identifiers.mbi
    where beneficiaries.zip_code is not null
    group by coalesce(identifiers.current_mbi, beneficiaries.mbi)
),

baseline_end as (
    select max(end_date) as day from {{ ref('stg_windows') }} where window_name <> 'performance'
),

stays as (
    select
        beneficiaries.zip_code,
        episodes.hospital_ccn,
        count(*) as discharges
    from {{ ref('int_inpatient_episodes') }} as episodes
    inner join beneficiaries using (mbi)
    cross join baseline_end
    where episodes.discharge_date <= baseline_end.day
    group by beneficiaries.zip_code, episodes.hospital_ccn
),

areas as (
    select zip_code, hospital_ccn
    from stays
    qualify row_number() over (partition by zip_code order by discharges desc, hospital_ccn) = 1
),

region_stays as (
    select
        substr(zip_code, 1, 3) as prefix,
        hospital_ccn,
        sum(discharges) as discharges
    from stays
    group by substr(zip_code, 1, 3), hospital_ccn
),

regions as (
    select prefix, hospital_ccn
    from region_stays
    qualify row_number() over (partition by prefix order by discharges desc, hospital_ccn) = 1
)

select
    beneficiaries.mbi,
    coalesce(areas.hospital_ccn, regions.hospital_ccn, 'NONE') as hospital_ccn
from beneficiaries
left join areas using (zip_code)
left join regions on substr(beneficiaries.zip_code, 1, 3) = regions.prefix
