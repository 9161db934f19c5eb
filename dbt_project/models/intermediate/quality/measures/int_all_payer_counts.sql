-- Counts of the all-payer measures, by window, hospital and level: the whole hospital, its service lines, APR-DRGs and
-- responsible physicians; readmissions also by destination, conditions also by their code.
{%- set levels = [('hospital', "'ALL'"), ('service_line', 'service_line'), ('apr_drg', 'apr_drg'), ('physician', "coalesce(npi, 'UNKNOWN')")] %}
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
        {{ destination('index_discharges.discharge_disposition') }} as destination,
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

codes as (
    select
        window_name,
        hospital_ccn,
        {{ items_of('hac_codes') }} as code
    from {{ ref('int_quality_discharges') }}
    where hac_flags > 0 and window_name in ('performance', 'baseline')
),

-- A code that the hospital flagged in one window counts zero in the other.
flagged as (
    select
        discharges.window_name,
        discharges.hospital_ccn,
        known.code,
        discharges.discharges,
        count(codes.code) as flags
    from (
        select
            window_name,
            hospital_ccn,
            sum(discharges) as discharges
        from conditions
        group by window_name, hospital_ccn
    ) as discharges
    inner join (select hospital_ccn, code from codes group by hospital_ccn, code) as known using (hospital_ccn)
    left join codes
        on
            discharges.window_name = codes.window_name
            and discharges.hospital_ccn = codes.hospital_ccn
            and known.code = codes.code
    group by discharges.window_name, discharges.hospital_ccn, known.code, discharges.discharges
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
    union all
    {%- endfor %}
    select
        window_name,
        hospital_ccn,
        'destination' as level,
        destination as subject,
        'readmission_rate' as measure,
        sum(readmissions) as numerator,
        sum(index_discharges) as denominator,
        null as expected
    from readmissions
    group by window_name, hospital_ccn, destination
    union all
    select
        window_name,
        hospital_ccn,
        'condition_code' as level,
        code as subject,
        'hac_per_1000' as measure,
        flags as numerator,
        discharges as denominator,
        null as expected
    from flagged
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
