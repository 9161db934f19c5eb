-- What remains of the calendar year's fee-schedule cap, for physicians paid for the earlier half-year or held because of
-- the later one. The later half-year's payments to other physicians change nothing here.
select
    year_caps.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    year_caps.npi,
    earlier_payable,
    later_payable,
    pfs_source,
    pfs_approved_amount,
    physician_cap_percent,
    later_year_cap,
    year_cap,
    over_cap
from {{ ref('int_year_caps') }} as year_caps
left join {{ ref('int_holds') }} as holds using (hospital_ccn, npi)
where year_caps.earlier_payable > 0 or {{ joined_text('holds.hold_reasons', '|') }} = 'LATER_PERIOD_PAID'
