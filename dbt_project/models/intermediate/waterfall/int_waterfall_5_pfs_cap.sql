-- Step 5: at most the hospital's percentage of the fee-schedule amounts of the calendar year, less what the year's earlier
-- period made payable, whenever the program began. Without an amount, there is no cap yet, and the payment is held.
with committee as (
    select * from {{ ref('int_waterfall_4_committee') }}
),

approved as (
    select * from {{ ref('int_pfs_approved_amounts') }}
),

elections as (
    select hospital_ccn, physician_cap_percent from {{ ref('stg_elections') }}
),

earlier as (
    select
        hospital_ccn,
        npi,
        cast(sum(final_incentive) as decimal(18, 2)) as amount
    from {{ ref('stg_earlier_incentives') }}
    where period like '{{ run_fact("year") }}H%'
    group by hospital_ccn, npi
),

caps as (
    select
        committee.hospital_ccn,
        committee.npi,
        committee.incentive,
        approved.pfs_source,
        approved.pfs_approved_amount,
        approved.pfs_amount_in_doubt,
        elections.physician_cap_percent,
        coalesce(earlier.amount, 0) as earlier_period_incentive,
        greatest(
            {{ round_div(exact_product('approved.pfs_approved_amount', 'elections.physician_cap_percent'), '100', 2, places=10) }}
            - coalesce(earlier.amount, 0),
            0
        ) as pfs_cap_amount
    from committee
    inner join approved using (hospital_ccn, npi)
    left join elections using (hospital_ccn)
    left join earlier using (hospital_ccn, npi)
)

select
    hospital_ccn,
    npi,
    pfs_source,
    pfs_approved_amount,
    pfs_amount_in_doubt,
    physician_cap_percent,
    earlier_period_incentive,
    -- greatest() ignores a null: without an amount, there is no cap.
    cast(case when pfs_approved_amount is not null then pfs_cap_amount end as decimal(18, 2)) as pfs_cap_amount,
    cast(case when pfs_approved_amount is null then incentive else least(incentive, pfs_cap_amount) end as decimal(18, 2))
        as incentive
from caps
