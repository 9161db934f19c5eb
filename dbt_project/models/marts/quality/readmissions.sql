-- Readmissions, observed, expected and adjusted: by hospital, hospital and service line, and statewide by APR-DRG.
with measures as (
    select *
    from {{ ref('int_all_payer_measures') }}
    where measure = 'readmission_rate_adjusted' and level in ('hospital', 'service_line', 'apr_drg')
),

planned as (
    select
        hospital_ccn,
        level,
        subject,
        numerator as planned_returns
    from {{ ref('int_all_payer_measures') }}
    where measure = 'planned_readmission_rate'
),

state as (
    select * from {{ ref('int_quality_state') }}
),

counts as (
    select
        measures.hospital_ccn,
        case measures.level when 'service_line' then measures.subject else 'ALL' end as service_line,
        'ALL' as apr_drg,
        measures.numerator,
        measures.denominator,
        measures.expected,
        planned.planned_returns
    from measures
    inner join planned using (hospital_ccn, level, subject)
    where measures.level in ('hospital', 'service_line')
    union all
    select
        'STATE' as hospital_ccn,
        case measures.level when 'service_line' then measures.subject else 'ALL' end as service_line,
        case measures.level when 'apr_drg' then measures.subject else 'ALL' end as apr_drg,
        cast(sum(measures.numerator) as bigint) as numerator,
        cast(sum(measures.denominator) as bigint) as denominator,
        cast(sum(measures.expected) as decimal(18, 8)) as expected,
        cast(sum(planned.planned_returns) as bigint) as planned_returns
    from measures
    inner join planned using (hospital_ccn, level, subject)
    group by measures.level, measures.subject
),

measured as (
    select
        counts.*,
        'readmission_rate_adjusted' as measure,
        state.base_rate
    from counts
    cross join state
    where counts.denominator > 0
)

select
    hospital_ccn,
    service_line,
    apr_drg,
    '{{ run_fact("name") }}' as period,
    denominator as index_discharges,
    numerator as readmissions,
    planned_returns,
    {{ round_div('numerator', 'denominator', 8) }} as observed_rate,
    cast(round({{ wilson_limit('lower') }}, 8) as decimal(18, 8)) as observed_lower,
    cast(round({{ wilson_limit('upper') }}, 8) as decimal(18, 8)) as observed_upper,
    expected,
    {{ measure_value() }} as adjusted_rate,
    {{ measure_limit('lower') }} as adjusted_lower,
    {{ measure_limit('upper') }} as adjusted_upper
from measured
