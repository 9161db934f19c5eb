-- Hospital-acquired conditions per 1,000 discharges, all together and code by code, against the own baseline. A proxy
-- from the flags of the abstract, never against another method's figures (methodology §12).
with flags as (
    select
        window_name,
        hospital_ccn,
        {{ items_of('hac_codes') }} as code
    from {{ ref('int_quality_discharges') }}
    where hac_flags > 0 and window_name in ('performance', 'baseline')
),

flagged as (
    select window_name, hospital_ccn, code, count(*) as flags from flags group by window_name, hospital_ccn, code
    union all
    select window_name, hospital_ccn, 'ALL' as code, count(*) as flags from flags group by window_name, hospital_ccn
),

discharges as (
    select
        hospital_ccn,
        count(*) filter (where window_name = 'baseline') as baseline_discharges,
        count(*) filter (where window_name = 'performance') as discharges
    from {{ ref('int_quality_discharges') }}
    group by hospital_ccn
),

codes as (
    select code from flagged
    union
    select 'ALL' as code
),

counts as (
    select
        discharges.hospital_ccn,
        codes.code,
        discharges.baseline_discharges,
        coalesce(max(flagged.flags) filter (where flagged.window_name = 'baseline'), 0) as baseline_conditions,
        discharges.discharges,
        coalesce(max(flagged.flags) filter (where flagged.window_name = 'performance'), 0) as conditions
    from discharges
    cross join codes
    left join flagged on discharges.hospital_ccn = flagged.hospital_ccn and codes.code = flagged.code
    group by discharges.hospital_ccn, codes.code, discharges.baseline_discharges, discharges.discharges
),

everybody as (
    select * from counts
    union all
    select
        'STATE' as hospital_ccn,
        code,
        cast(sum(baseline_discharges) as bigint) as baseline_discharges,
        cast(sum(baseline_conditions) as bigint) as baseline_conditions,
        cast(sum(discharges) as bigint) as discharges,
        cast(sum(conditions) as bigint) as conditions
    from counts
    group by code
),

rates as (
    select
        *,
        {{ round_div('1000 * baseline_conditions', 'baseline_discharges', 8) }} as baseline_per_1000,
        {{ round_div('1000 * conditions', 'discharges', 8) }} as per_1000
    from everybody
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
