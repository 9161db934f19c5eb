-- Internal savings of earlier periods, from the newest release of each, whenever the hospital's program began.
select
    hospital_ccn,
    period,
    scope,
    internal_savings
from {{ source('lake', 'earlier_savings') }}
