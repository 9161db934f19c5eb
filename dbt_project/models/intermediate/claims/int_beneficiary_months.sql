-- One row a beneficiary and month they count in: named in that month's CCLF8 (run-out files name nobody new) and not dead
-- before its first day, by the date of death as last reported. CCLF8 has no end of enrollment, so absence from a month's
-- file is the end, and a month that was not delivered has no rows.
with beneficiaries as (
    select
        coalesce(identifiers.current_mbi, beneficiaries.mbi) as mbi,
        beneficiaries.delivery_month,
        beneficiaries.state_fips,
        beneficiaries.county_fips,
        beneficiaries.death_date,
        beneficiaries.is_run_out,
        beneficiaries.file_date
    from {{ ref('stg_beneficiaries') }} as beneficiaries
    left join {{ ref('int_current_identifiers') }} as identifiers on beneficiaries.mbi = identifiers.mbi
),

deaths as (
    select mbi, max_by(death_date, file_date) as death_date
    from beneficiaries
    where death_date is not null
    group by mbi
)

select
    beneficiaries.mbi,
    beneficiaries.delivery_month,
    max(beneficiaries.state_fips) as state_fips,
    max(beneficiaries.county_fips) as county_fips
from beneficiaries
left join deaths on beneficiaries.mbi = deaths.mbi
where
    not beneficiaries.is_run_out
    and (deaths.death_date is null or deaths.death_date >= cast(concat(beneficiaries.delivery_month, '-01') as date))
group by beneficiaries.mbi, beneficiaries.delivery_month
