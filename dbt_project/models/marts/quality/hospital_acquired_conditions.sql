-- Hospital-acquired conditions per 1,000 discharges, compared with their own baseline: in total for a hospital, by code for
-- the state. A proxy from the abstract's flags, never compared with another method's figures (methodology §12).
with measures as (
    select * from {{ ref('int_all_payer_measures') }} where measure = 'hac_per_1000'
),

discharges as (
    select
        cast(sum(baseline_denominator) as bigint) as baseline_discharges,
        cast(sum(denominator) as bigint) as discharges
    from measures
    where level = 'hospital'
),

counts as (
    select
        hospital_ccn,
        'ALL' as code,
        baseline_denominator as baseline_discharges,
        baseline_numerator as baseline_conditions,
        denominator as discharges,
        numerator as conditions
    from measures
    where level = 'hospital'
    union all
    select
        'STATE' as hospital_ccn,
        case measures.level when 'hospital' then 'ALL' else measures.subject end as code,
        max(discharges.baseline_discharges) as baseline_discharges,
        cast(sum(measures.baseline_numerator) as bigint) as baseline_conditions,
        max(discharges.discharges) as discharges,
        cast(sum(measures.numerator) as bigint) as conditions
    from measures
    cross join discharges
    where measures.level in ('hospital', 'condition_code')
    group by case measures.level when 'hospital' then 'ALL' else measures.subject end
),

rates as (
    select
        *,
        {{ round_div('1000 * baseline_conditions', 'baseline_discharges', 8) }} as baseline_per_1000,
        {{ round_div('1000 * conditions', 'discharges', 8) }} as per_1000
    from counts
)

select
    hospital_ccn,
    code,
    '{{ run_fact("name") }}' as period,
    baseline_discharges,
    baseline_conditions,
    baseline_per_1000,
    discharges,
    conditions,
    per_1000,
    {{ relative_change('per_1000', 'baseline_per_1000') }} as change
from rates
