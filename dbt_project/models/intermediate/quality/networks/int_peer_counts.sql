-- The peers of a group: every hospital of the state outside it that has the measure in both windows.
with groups as (
    select * from {{ ref('int_group_counts') }} where group_kind in ('network', 'community', 'participants')
),

state as (
    select * from {{ ref('int_group_counts') }} where group_kind = 'state'
),

-- The state also includes beneficiaries in no hospital's area, who have no peers.
without_area as (
    select measure, baseline_numerator, baseline_denominator, numerator, denominator
    from {{ ref('int_medicare_measures') }}
    where hospital_ccn = 'NONE' and baseline_denominator > 0 and denominator > 0
)

select
    groups.group_kind,
    groups.group_id,
    groups.topic,
    groups.measure,
    state.hospitals - groups.hospitals - case when without_area.measure is null then 0 else 1 end as hospitals,
    state.baseline_numerator - groups.baseline_numerator - coalesce(without_area.baseline_numerator, 0) as baseline_numerator,
    state.baseline_denominator - groups.baseline_denominator - coalesce(without_area.baseline_denominator, 0)
        as baseline_denominator,
    cast(state.baseline_expected - groups.baseline_expected as decimal(18, 8)) as baseline_expected,
    state.numerator - groups.numerator - coalesce(without_area.numerator, 0) as numerator,
    state.denominator - groups.denominator - coalesce(without_area.denominator, 0) as denominator,
    cast(state.expected - groups.expected as decimal(18, 8)) as expected
from groups
inner join state using (measure)
left join without_area using (measure)
