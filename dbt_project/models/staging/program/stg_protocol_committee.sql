select
    hospital_ccn,
    member,
    credentials,
    title,
    organization,
    represents,
    role,
    is_physician
from {{ source('lake', 'protocol_committee') }}
