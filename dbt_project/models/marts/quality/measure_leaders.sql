-- Leaders of each measure: hospitals in order of value (lower is better). One that is better than the state
-- beyond chance could teach others; hospitals that do worse and have it as a peer could learn from it.
with measures as (
    select * from {{ ref('int_group_measures') }} where group_kind = 'hospital' and value is not null
),

state as (
    select measure, value as state_value from {{ ref('int_group_measures') }} where group_kind = 'state'
),

targets as (
    select * from {{ ref('stg_quality_targets') }}
),

ranked as (
    select
        measures.measure,
        measures.group_id as hospital_ccn,
        measures.group_name as hospital_name,
        measures.numerator,
        measures.denominator,
        measures.value,
        measures.upper_limit,
        state.state_value,
        measures.upper_limit < state.state_value as could_teach,
        row_number() over (partition by measures.measure order by measures.value, measures.group_id) as place
    from measures
    inner join state using (measure)
    inner join targets using (measure)
),

learners as (
    select
        ranked.measure,
        ranked.hospital_ccn,
        {{ distinct_texts('peers.hospital_ccn') }} as learner_ccns
    from ranked
    inner join {{ ref('hospital_peers') }} as peers on ranked.hospital_ccn = peers.peer_ccn
    inner join ranked as others on peers.hospital_ccn = others.hospital_ccn and ranked.measure = others.measure
    where ranked.could_teach and others.value > ranked.value
    group by ranked.measure, ranked.hospital_ccn
)

select
    ranked.measure,
    ranked.place,
    '{{ run_fact("name") }}' as period,
    ranked.hospital_ccn,
    ranked.hospital_name,
    ranked.numerator,
    ranked.denominator,
    ranked.value,
    ranked.upper_limit,
    ranked.state_value,
    coalesce(ranked.could_teach, false) as could_teach,
    learners.learner_ccns
from ranked
left join learners using (measure, hospital_ccn)
