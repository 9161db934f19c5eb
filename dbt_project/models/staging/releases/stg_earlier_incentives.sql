-- What earlier periods released as final, from the newest release of each.
select
    hospital_ccn,
    period,
    npi,
    final_incentive
from {{ source('lake', 'earlier_incentives') }}
