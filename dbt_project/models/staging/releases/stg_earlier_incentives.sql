-- Amounts that earlier periods made payable, from the newest release of each, whenever the hospital's program began.
select
    hospital_ccn,
    period,
    npi,
    final_incentive
from {{ source('lake', 'earlier_incentives') }}
