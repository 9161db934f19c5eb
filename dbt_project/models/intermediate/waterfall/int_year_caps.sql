-- Amounts that other half-years of the calendar year made payable to a physician, listed now or not, and the year's cap.
with earlier as (
    select
        hospital_ccn,
        npi,
        sum(final_incentive) as amount
    from {{ ref('stg_earlier_incentives') }}
    where period like '{{ run_fact("year") }}H%'
    group by hospital_ccn, npi
),

later as (
    select
        hospital_ccn,
        npi,
        sum(final_incentive) as amount,
        max(year_cap) as year_cap
    from {{ ref('stg_later_payments') }}
    group by hospital_ccn, npi
),

physicians as (
    select hospital_ccn, npi from earlier
    union
    select hospital_ccn, npi from later
),

notices as (
    select * from {{ ref('stg_pfs_cap_notices') }} where calendar_year = {{ pfs_cap_year() }}
),

estimates as (
    select * from {{ ref('int_pfs_approved_by_claims') }} where calendar_year = {{ pfs_cap_year() }}
),

elections as (
    select hospital_ccn, physician_cap_percent from {{ ref('stg_elections') }}
),

amounts as (
    select
        physicians.hospital_ccn,
        physicians.npi,
        coalesce(earlier.amount, 0) as earlier_payable,
        coalesce(later.amount, 0) as later_payable,
        case
            when notices.approved_amount is not null then 'NOTICE'
            when estimates.pfs_approved_amount is not null then 'CLAIMS'
        end as pfs_source,
        coalesce(notices.approved_amount, estimates.pfs_approved_amount) as pfs_approved_amount,
        elections.physician_cap_percent,
        later.year_cap as later_year_cap
    from physicians
    left join earlier using (hospital_ccn, npi)
    left join later using (hospital_ccn, npi)
    left join notices using (hospital_ccn, npi)
    left join estimates using (hospital_ccn, npi)
    left join elections using (hospital_ccn)
),

limited as (
    select hospital_ccn, npi, incentive from {{ ref('int_waterfall_6_distribution_limit') }}
),

caps as (
    select
        *,
        -- greatest() ignores a null. The later of two caps may be based on more of the year.
        greatest(
            {{ round_div(exact_product('pfs_approved_amount', 'physician_cap_percent'), '100', 2, places=10) }},
            later_year_cap
        ) as year_cap
    from amounts
)

select
    caps.hospital_ccn,
    caps.npi,
    cast(earlier_payable as decimal(18, 2)) as earlier_payable,
    cast(later_payable as decimal(18, 2)) as later_payable,
    pfs_source,
    pfs_approved_amount,
    physician_cap_percent,
    later_year_cap,
    cast(year_cap as decimal(18, 2)) as year_cap,
    cast(
        case when year_cap is not null then greatest(earlier_payable + later_payable - year_cap, 0) end as decimal(18, 2)
    ) as over_cap,
    -- Together with the later half-year's payable amount, the payment would exceed the cap of the year.
    coalesce(
        later_payable > 0 and limited.incentive > greatest(year_cap - earlier_payable - later_payable, 0), false
    ) as is_paid_later
from caps
left join limited using (hospital_ccn, npi)
