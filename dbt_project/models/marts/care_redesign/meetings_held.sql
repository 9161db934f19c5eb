-- Oversight committee meetings reported for the period, with the number of members.
with meetings as (
    select * from {{ ref('stg_committee_meetings') }}
),

roster as (
    select
        hospital_ccn,
        count(*) as members,
        count(*) filter (where is_physician) as physicians
    from {{ ref('stg_protocol_committee') }}
    group by hospital_ccn
)

select
    meetings.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    meetings.met_on,
    {{ quarter_of('meetings.met_on') }} as quarter,
    meetings.members_present,
    meetings.physicians_present,
    coalesce(roster.members, 0) as members,
    coalesce(roster.physicians, 0) as physicians
from meetings
left join roster using (hospital_ccn)
