-- The Medicare measures of a hospital or hospital area, both windows side by side, with 95% limits.
with counts as (
    {{ both_windows(ref('int_medicare_counts'), ['hospital_ccn', 'level', 'subject', 'measure']) }}
),

state as (
    select * from {{ ref('int_quality_state') }}
)

select
    counts.hospital_ccn,
    counts.level,
    counts.subject,
    counts.measure,
    cast(counts.baseline_numerator as bigint) as baseline_numerator,
    cast(counts.baseline_denominator as bigint) as baseline_denominator,
    counts.baseline_expected,
    {{ measure_value('baseline_') }} as baseline_value,
    cast(counts.numerator as bigint) as numerator,
    cast(counts.denominator as bigint) as denominator,
    counts.expected,
    case counts.measure when 'readmission_rate_adjusted' then state.base_rate end as base_rate,
    {{ measure_value() }} as value,
    {{ measure_limit('lower') }} as lower_limit,
    {{ measure_limit('upper') }} as upper_limit
from counts
cross join state
