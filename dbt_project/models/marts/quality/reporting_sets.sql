-- The measures that a hospital reports once for all its networks: one row per measure, with every network and topic that
-- asks for it. More than one network on topics of the same area is duplicate work.
with members as (
    select * from {{ ref('int_network_members') }}
),

-- A topic that is not in the table of topics has no measure here.
requested_measures as (
    select
        members.hospital_ccn,
        members.network_id,
        members.topic,
        coalesce(topics.measure, 'NONE') as measure,
        coalesce(topics.area, members.topic) as area
    from members
    left join {{ ref('stg_network_topics') }} as topics on members.topic = topics.topic
),

areas as (
    select
        hospital_ccn,
        area,
        count(distinct network_id) as networks_of_area
    from requested_measures
    group by hospital_ccn, area
)

select
    requested_measures.hospital_ccn,
    requested_measures.measure,
    requested_measures.area,
    '{{ run_fact("name") }}' as period,
    count(distinct requested_measures.network_id) as networks,
    {{ distinct_texts('requested_measures.network_id') }} as network_ids,
    {{ distinct_texts('requested_measures.topic') }} as topics,
    max(areas.networks_of_area) as networks_of_area,
    max(areas.networks_of_area) > 1 as is_overlap
from requested_measures
inner join areas using (hospital_ccn, area)
group by requested_measures.hospital_ccn, requested_measures.measure, requested_measures.area
