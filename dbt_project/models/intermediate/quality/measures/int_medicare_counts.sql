-- Counts of the Medicare measures: by the discharging hospital, and per beneficiary by the hospital area in which they
-- live (months of enrollment; a rate is per 12 months).
with returns as (
    select * from {{ ref('int_medicare_returns') }}
),

windows as (
    select * from {{ ref('stg_windows') }} where window_name in ('performance', 'baseline')
),

areas as (
    select * from {{ ref('int_beneficiary_areas') }}
),

months as (
    select
        windows.window_name,
        areas.hospital_ccn,
        count(*) as months
    from {{ ref('int_beneficiary_months') }} as months
    inner join areas using (mbi)
    inner join windows
        on cast(concat(months.delivery_month, '-01') as date) between windows.start_date and windows.end_date
    group by windows.window_name, areas.hospital_ccn
),

readmitted as (
    select
        returns.window_name,
        areas.hospital_ccn,
        count(*) as readmissions
    from returns
    inner join areas using (mbi)
    where returns.is_readmitted
    group by returns.window_name, areas.hospital_ccn
),

admitted as (
    select
        windows.window_name,
        areas.hospital_ccn,
        count(*) as admissions
    from {{ ref('int_inpatient_episodes') }} as episodes
    inner join areas using (mbi)
    inner join windows on episodes.admit_date between windows.start_date and windows.end_date
    group by windows.window_name, areas.hospital_ccn
),

counts as (
    select
        window_name,
        hospital_ccn,
        'readmission_share' as measure,
        count(*) filter (where is_readmitted) as numerator,
        count(*) as denominator
    from returns
    where window_name in ('performance', 'baseline')
    group by window_name, hospital_ccn
    union all
    select
        window_name,
        hospital_ccn,
        'readmitted_without_post_acute' as measure,
        count(*) filter (where is_without_post_acute) as numerator,
        count(*) as denominator
    from returns
    where window_name in ('performance', 'baseline') and is_readmitted
    group by window_name, hospital_ccn
    union all
    select
        months.window_name,
        months.hospital_ccn,
        'readmissions_per_1000' as measure,
        coalesce(readmitted.readmissions, 0) as numerator,
        months.months as denominator
    from months
    left join readmitted using (window_name, hospital_ccn)
    union all
    select
        months.window_name,
        months.hospital_ccn,
        'admissions_per_1000' as measure,
        coalesce(admitted.admissions, 0) as numerator,
        months.months as denominator
    from months
    left join admitted using (window_name, hospital_ccn)
)

select
    window_name,
    hospital_ccn,
    'hospital' as level,
    'ALL' as subject,
    measure,
    cast(numerator as bigint) as numerator,
    cast(denominator as bigint) as denominator,
    cast(null as decimal(18, 8)) as expected
from counts
