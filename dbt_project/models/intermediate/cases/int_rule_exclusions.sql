-- Every exclusion reason of methodology §3 that looks at the case alone and that the policy switches on, in order.
{%- set active = [] -%}
{%- for reason, condition in exclusion_rules() if reason in policy('exclusions') -%}
    {%- do active.append((reason, condition)) -%}
{%- endfor %}
with cases as (
    select * from {{ ref('int_cases') }}
),

judged as (
    select
        hospital_ccn,
        account_no,
        {% if active -%}
        list_filter(
            [
                {%- for reason, condition in active %}
                case when {{ condition }} then '{{ reason }}' end{{ ',' if not loop.last }}
                {%- endfor %}
            ],
            lambda reason: reason is not null
        )
        {%- else -%}
        cast([] as varchar [])
        {%- endif %} as exclusion_reasons
    from cases
)

select
    hospital_ccn,
    account_no,
    exclusion_reasons
from judged
where len(exclusion_reasons) > 0
