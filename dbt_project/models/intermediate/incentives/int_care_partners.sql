-- Whose cases earn: the hospital's certified list; in a study every responsible physician.
{% if run_fact('kind') == 'study' -%}
select
    hospital_ccn,
    npi,
    cast(null as varchar) as name
from {{ ref('int_counted_cases') }}
where window_name = 'performance' and npi is not null
group by hospital_ccn, npi
{%- else -%}
select
    hospital_ccn,
    npi,
    name
from {{ ref('stg_care_partners') }}
{%- endif %}
