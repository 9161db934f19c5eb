-- For the hospital itself: every measure of the whole hospital, its service lines, APR-DRGs and physicians.
with measures as (
    select * from {{ ref('int_all_payer_measures') }}
    union all
    select * from {{ ref('int_medicare_measures') }}
),

owners as (
    select hospital_ccn from {{ ref('int_quality_groups') }} where group_kind = 'hospital' and hospital_ccn <> 'NONE'
)

select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    level,
    subject,
    measure,
    baseline_numerator,
    baseline_denominator,
    baseline_expected,
    baseline_value,
    numerator,
    denominator,
    expected,
    base_rate,
    value,
    lower_limit,
    upper_limit
from measures
inner join owners using (hospital_ccn)
