-- Physicians whose cases earn: the hospital's certified list; in a study, every responsible physician.
with certified as (
    select * from {{ ref('stg_care_partners') }}
),

counted as (
    select * from {{ ref('int_counted_cases') }} where window_name = 'performance' and npi is not null
)

{% if run_fact('kind') == 'study' -%}
select
    hospital_ccn,
    npi,
    cast(null as string) as name
from counted
group by hospital_ccn, npi
{%- else -%}
select
    hospital_ccn,
    npi,
    name
from certified
{%- endif %}
