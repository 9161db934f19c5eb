-- Groups of hospitals with discharges in the period: each hospital itself, its community (county), the networks with which
-- it works on a topic in the period, the hospitals of the program, the state.
with hospitals as (
    select
        hospitals.hospital_ccn,
        hospitals.hospital_name,
        hospitals.county_name
    from {{ ref('stg_hospitals') }} as hospitals
    semi join (
        select hospital_ccn from {{ ref('int_case_windows') }} where window_name = 'performance'
    ) as discharging using (hospital_ccn)
),

members as (
    select * from {{ ref('int_network_members') }}
)

select
    'hospital' as group_kind,
    hospital_ccn as group_id,
    'ALL' as topic,
    hospital_name as group_name,
    hospital_ccn
from hospitals
union all
select
    'community' as group_kind,
    county_name as group_id,
    'ALL' as topic,
    county_name as group_name,
    hospital_ccn
from hospitals
where county_name is not null
union all
select
    'network' as group_kind,
    members.network_id as group_id,
    members.topic,
    members.network_name as group_name,
    hospitals.hospital_ccn
from members
inner join hospitals using (hospital_ccn)
union all
select
    'participants' as group_kind,
    'PROGRAM' as group_id,
    'ALL' as topic,
    'Hospitals of the program' as group_name,
    hospitals.hospital_ccn
from {{ ref('stg_protocols') }} as protocols
inner join {{ ref('stg_programs') }} as programs using (hospital_ccn)
inner join hospitals on protocols.hospital_ccn = hospitals.hospital_ccn
where programs.program_year >= 1
union all
select
    'state' as group_kind,
    'STATE' as group_id,
    'ALL' as topic,
    'State' as group_name,
    hospital_ccn
from hospitals
union all
-- Beneficiaries in no hospital's area count in the state, and form a separate group.
select
    'state' as group_kind,
    'STATE' as group_id,
    'ALL' as topic,
    'State' as group_name,
    'NONE' as hospital_ccn
union all
select
    'hospital' as group_kind,
    'NONE' as group_id,
    'ALL' as topic,
    'In no hospital''s area' as group_name,
    'NONE' as hospital_ccn
