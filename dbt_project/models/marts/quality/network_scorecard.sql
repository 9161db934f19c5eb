-- One row per measure and group that works together (a network on a topic, a community, the hospitals of the program): its
-- change compared with its peers', with a 95% interval of the difference.
with measures as (
    select * from {{ ref('int_group_measures') }} where group_kind in ('network', 'community', 'participants')
),

peers as (
    select * from {{ ref('int_peer_measures') }}
),

targets as (
    select * from {{ ref('stg_quality_targets') }}
),

networks as (
    select network_id, max(network_kind) as network_kind from {{ ref('stg_networks') }} group by network_id
),

topics as (
    select topic, measure, true as is_topic_measure from {{ ref('stg_network_topics') }}
),

compared as (
    select
        measures.*,
        networks.network_kind,
        coalesce(topics.is_topic_measure, measures.topic = 'ALL') as is_topic_measure,
        targets.measure_label,
        targets.unit,
        targets.target_change,
        {{ round_to(exact_product('measures.baseline_value', '(1 + targets.target_change)', 8), 8) }} as target_value,
        peers.hospitals as peer_hospitals,
        peers.baseline_numerator as peer_baseline_numerator,
        peers.baseline_denominator as peer_baseline_denominator,
        peers.baseline_value as peer_baseline_value,
        peers.numerator as peer_numerator,
        peers.denominator as peer_denominator,
        peers.value as peer_value,
        peers.change as peer_change,
        cast(measures.change - peers.change as decimal(18, 8)) as difference,
        {{ rounded_limit(normal_95() ~ ' * sqrt(measures.change_variance + peers.change_variance)') }} as margin
    from measures
    inner join peers using (group_kind, group_id, topic, measure)
    inner join targets using (measure)
    left join networks on measures.group_kind = 'network' and measures.group_id = networks.network_id
    left join topics on measures.topic = topics.topic and measures.measure = topics.measure
)

select
    group_kind,
    group_id,
    topic,
    '{{ run_fact("name") }}' as period,
    measure,
    group_name,
    network_kind,
    is_topic_measure,
    measure_label,
    unit,
    hospitals,
    member_ccns,
    baseline_numerator,
    baseline_denominator,
    baseline_value,
    numerator,
    denominator,
    value,
    change,
    target_change,
    target_value,
    cast(value - target_value as decimal(18, 8)) as distance,
    value <= target_value as is_on_track,
    peer_hospitals,
    peer_baseline_numerator,
    peer_baseline_denominator,
    peer_baseline_value,
    peer_numerator,
    peer_denominator,
    peer_value,
    peer_change,
    difference,
    cast(difference - margin as decimal(18, 8)) as difference_lower,
    cast(difference + margin as decimal(18, 8)) as difference_upper
from compared
