-- The all-payer measures of each hospital by quarter, for the period and the same quarters a year earlier: the measures
-- that conditions of payment may name, by the quarters in which a committee meets.
with index_discharges as (
    select
        *,
        {{ quarter_of('discharge_date') }} as quarter
    from {{ ref('int_index_discharges') }}
    where window_name in ('performance', 'baseline')
),

days as (
    select hospital_ccn, account_no, discharge_date from {{ ref('int_cases') }}
),

discharges as (
    select
        quality.window_name,
        quality.hospital_ccn,
        {{ quarter_of('days.discharge_date') }} as quarter,
        quality.hac_flags
    from {{ ref('int_quality_discharges') }} as quality
    inner join days using (hospital_ccn, account_no)
    where quality.window_name in ('performance', 'baseline')
),

counts as (
    {%- for measure, event in [('readmission_rate', 'is_readmitted'), ('planned_readmission_rate', 'is_planned_return')] %}
    select
        window_name,
        hospital_ccn,
        quarter,
        '{{ measure }}' as measure,
        count(*) filter (where {{ event }}) as numerator,
        count(*) as denominator
    from index_discharges
    group by window_name, hospital_ccn, quarter
    union all
    {%- endfor %}
    select
        window_name,
        hospital_ccn,
        quarter,
        'hac_per_1000' as measure,
        sum(hac_flags) as numerator,
        count(*) as denominator
    from discharges
    group by window_name, hospital_ccn, quarter
),

measured as (
    select
        hospital_ccn,
        window_name,
        quarter,
        measure,
        cast(numerator as bigint) as numerator,
        cast(denominator as bigint) as denominator,
        cast(null as decimal(18, 8)) as expected,
        cast(null as decimal(18, 8)) as base_rate
    from counts
),

owners as (
    select hospital_ccn from {{ ref('int_quality_groups') }} where group_kind = 'hospital' and hospital_ccn <> 'NONE'
)

select
    measured.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    measured.window_name,
    measured.quarter,
    measured.measure,
    measured.numerator,
    measured.denominator,
    {{ measure_value() }} as value
from measured
inner join owners using (hospital_ccn)
