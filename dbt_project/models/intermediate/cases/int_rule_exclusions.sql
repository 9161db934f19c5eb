-- Every exclusion reason of methodology §3 that depends only on the case and is in the policy, in order.
{%- set active = [] -%}
{%- for reason, condition in exclusion_rules() if reason in policy('exclusions') -%}
    {%- do active.append('case when ' ~ condition ~ " then '" ~ reason ~ "' end") -%}
{%- endfor %}
with cases as (
    select * from {{ ref('int_cases') }}
),

judged as (
    select
        hospital_ccn,
        account_no,
        {% if active -%}
        {{ text_list(active) }}
        {%- else -%}
        {{ empty_text_list() }}
        {%- endif %} as exclusion_reasons
    from cases
)

select
    hospital_ccn,
    account_no,
    exclusion_reasons
from judged
where {{ list_length('exclusion_reasons') }} > 0
