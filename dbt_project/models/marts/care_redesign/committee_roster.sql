-- Members of each oversight committee, as named in the protocol in force.
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
