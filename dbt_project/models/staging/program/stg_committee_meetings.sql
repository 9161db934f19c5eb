select
    hospital_ccn,
    met_on,
    members_present,
    physicians_present
from {{ source('lake', 'committee_meetings') }}
