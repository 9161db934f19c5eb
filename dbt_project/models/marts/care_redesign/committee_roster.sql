-- Who sits on each oversight committee, as its protocol in force names them.
select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    member,
    credentials,
    title,
    organization,
    represents,
    role,
    is_physician
from {{ ref('stg_protocol_committee') }}
