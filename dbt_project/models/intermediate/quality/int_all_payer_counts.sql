-- What the all-payer measures count, by window, hospital and level: the whole hospital, its service lines, APR-DRGs and
-- responsible physicians.
{%- set levels = [('hospital', "''"), ('service_line', 'service_line'), ('apr_drg', 'apr_drg'), ('physician', "coalesce(npi, 'UNKNOWN')")] %}
with cells as (
    select
        apr_drg,
        severity_of_illness,
        {{ round_div('readmissions', 'index_discharges', 8) }} as rate
    from {{ ref('int_quality_cells') }}
),

readmissions as (
    select
        index_discharges.window_name,
        index_discharges.hospital_ccn,
        index_discharges.service_line,
        index_discharges.apr_drg,
        index_discharges.npi,
        count(*) as index_discharges,
        count(*) filter (where index_discharges.is_readmitted) as readmissions,
        count(*) filter (where index_discharges.is_planned_return) as planned_returns,
        sum(coalesce(cells.rate, state.base_rate)) as expected
    from {{ ref('int_index_discharges') }} as index_discharges
    cross join {{ ref('int_quality_state') }} as state
    left join cells using (apr_drg, severity_of_illness)
    where index_discharges.window_name in ('performance', 'baseline')
    group by all
),

conditions as (
    select
        window_name,
        hospital_ccn,
        service_line,
        apr_drg,
        npi,
        count(*) as discharges,
        sum(hac_flags) as hac_flags
    from {{ ref('int_quality_discharges') }}
    where window_name in ('performance', 'baseline')
    group by all
),

counts as (
    {%- for level, subject in levels %}
    {%- for measure, counted in [
        ('readmission_rate', 'readmissions'),
        ('readmission_rate_adjusted', 'readmissions'),
        ('planned_readmission_rate', 'planned_returns')
    ] %}
    select
        window_name,
        hospital_ccn,
        '{{ level }}' as level,
        {{ subject }} as subject,
        '{{ measure }}' as measure,
        sum({{ counted }}) as numerator,
        sum(index_discharges) as denominator,
        {{ 'sum(expected)' if measure == 'readmission_rate_adjusted' else 'null' }} as expected
    from readmissions
    group by window_name, hospital_ccn{{ ', ' ~ subject if level != 'hospital' }}
    union all
    {%- endfor %}
    select
        window_name,
        hospital_ccn,
        '{{ level }}' as level,
        {{ subject }} as subject,
        'hac_per_1000' as measure,
        sum(hac_flags) as numerator,
        sum(discharges) as denominator,
        null as expected
    from conditions
    group by window_name, hospital_ccn{{ ', ' ~ subject if level != 'hospital' }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    window_name,
    hospital_ccn,
    level,
    subject,
    measure,
    cast(numerator as bigint) as numerator,
    cast(denominator as bigint) as denominator,
    cast(expected as decimal(18, 8)) as expected
from counts
