-- What the year's later half-year makes payable, from its newest release, with the year's cap as that release has it.
select
    hospital_ccn,
    period,
    npi,
    final_incentive,
    year_cap
from {{ source('lake', 'later_payments') }}
