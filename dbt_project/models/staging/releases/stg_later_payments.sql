-- Amounts that the year's later half-year makes payable, from its newest release, with that release's cap of the year.
select
    hospital_ccn,
    period,
    npi,
    final_incentive,
    year_cap
from {{ source('lake', 'later_payments') }}
