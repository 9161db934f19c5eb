-- Readmissions, observed, expected and adjusted: for each hospital, and for the state by service line and by APR-DRG within
-- it. Only the hospital sees its own service lines and physicians (quality_measures).
with index_discharges as (
    select * from {{ ref('int_index_discharges') }} where window_name = 'performance'
),

state as (
    select * from {{ ref('int_quality_state') }}
),

cells as (
    select
        apr_drg,
        severity_of_illness,
        {{ round_div('readmissions', 'index_discharges', 8) }} as rate
    from {{ ref('int_quality_cells') }}
),

summed as (
    select
        index_discharges.hospital_ccn,
        index_discharges.service_line,
        index_discharges.apr_drg,
        count(*) as index_discharges,
        count(*) filter (where index_discharges.is_readmitted) as readmissions,
        count(*) filter (where index_discharges.is_planned_return) as planned_returns,
        sum(coalesce(cells.rate, state.base_rate)) as expected
    from index_discharges
    cross join state
    left join cells using (apr_drg, severity_of_illness)
    group by index_discharges.hospital_ccn, index_discharges.service_line, index_discharges.apr_drg
),

counts as (
    {%- for hospital, service_line, apr_drg in [
        ('hospital_ccn', "'ALL'", "'ALL'"),
        ("'STATE'", 'service_line', "'ALL'"),
        ("'STATE'", 'service_line', 'apr_drg'),
        ("'STATE'", "'ALL'", "'ALL'")
    ] %}
    select
        {{ hospital }} as hospital_ccn,
        {{ service_line }} as service_line,
        {{ apr_drg }} as apr_drg,
        cast(sum(index_discharges) as bigint) as denominator,
        cast(sum(readmissions) as bigint) as numerator,
        cast(sum(planned_returns) as bigint) as planned_returns,
        cast(sum(expected) as decimal(18, 8)) as expected
    from summed
    {%- if hospital != "'STATE'" %}
    group by hospital_ccn
    union all
    {%- elif apr_drg == 'apr_drg' %}
    group by service_line, apr_drg
    union all
    {%- elif service_line == 'service_line' %}
    group by service_line
    union all
    {%- else %}
    having count(*) > 0
    {%- endif %}
    {%- endfor %}
),

measured as (
    select
        counts.*,
        'readmission_rate_adjusted' as measure,
        state.base_rate
    from counts
    cross join state
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
    {{ rounded_limit(wilson_limit('lower')) }} as observed_lower,
    {{ rounded_limit(wilson_limit('upper')) }} as observed_upper,
    expected,
    {{ measure_value() }} as adjusted_rate,
    {{ measure_limit('lower') }} as adjusted_lower,
    {{ measure_limit('upper') }} as adjusted_upper
from measured
