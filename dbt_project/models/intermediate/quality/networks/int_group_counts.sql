-- Each measure's counts summed over the hospitals of a group. A group of several counts the hospitals that have the
-- measure in both windows, so that a hospital that joined or left does not look like a change; a single hospital always
-- counts.
with measures as (
    select * from {{ ref('int_all_payer_measures') }} where level = 'hospital'
    union all
    select * from {{ ref('int_medicare_measures') }}
)

select
    groups.group_kind,
    groups.group_id,
    groups.topic,
    max(groups.group_name) as group_name,
    measures.measure,
    count(*) as hospitals,
    {{ distinct_texts('groups.hospital_ccn') }} as member_ccns,
    cast(sum(measures.baseline_numerator) as bigint) as baseline_numerator,
    cast(sum(measures.baseline_denominator) as bigint) as baseline_denominator,
    cast(sum(measures.baseline_expected) as decimal(18, 8)) as baseline_expected,
    cast(sum(measures.numerator) as bigint) as numerator,
    cast(sum(measures.denominator) as bigint) as denominator,
    cast(sum(measures.expected) as decimal(18, 8)) as expected
from {{ ref('int_quality_groups') }} as groups
inner join measures using (hospital_ccn)
where groups.group_kind = 'hospital' or (measures.baseline_denominator > 0 and measures.denominator > 0)
group by groups.group_kind, groups.group_id, groups.topic, measures.measure
