-- Participation in networks: the number of a network's hospitals on a topic in the period, compared with its goal.
with networks as (
    select * from {{ ref('stg_networks') }}
),

members as (
    select network_id, hospital_ccn, topic, true as is_member from {{ ref('int_network_members') }}
),

participation as (
    select
        network_id,
        topic,
        max(network_name) as network_name,
        max(network_kind) as network_kind,
        max(recruitment_goal) as recruitment_goal,
        count(*) filter (where is_member) as members,
        {{ distinct_texts('case when is_member then hospital_ccn end') }} as member_ccns
    from networks
    left join members using (network_id, hospital_ccn, topic)
    group by network_id, topic
)

select
    network_id,
    topic,
    '{{ run_fact("name") }}' as period,
    network_name,
    network_kind,
    members,
    member_ccns,
    recruitment_goal,
    {{ round_div('members', 'recruitment_goal', 8) }} as recruited_share,
    greatest(recruitment_goal - members, 0) as still_to_recruit
from participation
