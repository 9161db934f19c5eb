-- One row per beneficiary and month in which they count: listed in that month's CCLF8 (run-out files list no one new) and
-- alive on its first day, by the date of death as last reported. CCLF8 has no end of enrollment, so absence from a month's
-- file is the end, and a month that was not delivered has no rows. A month that contains only changes since a date (BCDA)
-- has the beneficiaries of the newest full month before it, plus those it adds.
with beneficiaries as (
    select
        coalesce(identifiers.current_mbi, beneficiaries.mbi) as mbi,
        beneficiaries.delivery_month,
        beneficiaries.state_fips,
        beneficiaries.county_fips,
        beneficiaries.death_date,
        beneficiaries.is_run_out,
        beneficiaries.is_partial,
        beneficiaries.file_date
    from {{ ref('stg_beneficiaries') }} as beneficiaries
    left join {{ ref('int_current_identifiers') }} as identifiers on beneficiaries.mbi = identifiers.mbi
),

deaths as (
    select mbi, max_by(death_date, file_date) as death_date
    from beneficiaries
    where death_date is not null
    group by mbi
),

months as (
    select delivery_month, bool_and(is_partial) as is_partial
    from beneficiaries
    where not is_run_out
    group by delivery_month
),

-- The full month that a month's beneficiaries come from: itself if it is full.
starts as (
    select
        months.delivery_month,
        coalesce(max(whole.delivery_month), '') as since_month
    from months
    left join months as whole on not whole.is_partial and whole.delivery_month <= months.delivery_month
    group by months.delivery_month
),

named as (
    select
        beneficiaries.mbi,
        starts.delivery_month,
        beneficiaries.state_fips,
        beneficiaries.county_fips
    from beneficiaries
    inner join starts
        on
            beneficiaries.delivery_month >= starts.since_month
            and beneficiaries.delivery_month <= starts.delivery_month
    where not beneficiaries.is_run_out
)

select
    named.mbi,
    named.delivery_month,
    max(named.state_fips) as state_fips,
    max(named.county_fips) as county_fips
from named
left join deaths on named.mbi = deaths.mbi
where deaths.death_date is null or deaths.death_date >= cast(concat(named.delivery_month, '-01') as date)
group by named.mbi, named.delivery_month
