-- What the fee-schedule cap of the calendar year leaves, for everybody whom another half-year of it paid.
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    npi,
    earlier_payable,
    later_payable,
    pfs_source,
    pfs_approved_amount,
    physician_cap_percent,
    later_year_cap,
    year_cap,
    over_cap
from {{ ref('int_year_caps') }}
