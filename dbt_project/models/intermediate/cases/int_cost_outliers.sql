-- Outliers (methodology §5), per window and cell, statewide, over the cases left by the other rules. Decided in
-- integers: n cases, sum s, sum of squares q, cost c in cents: (n·c − s)² (n − 1) > sd² n (n·q − s²), sd = a/b.
with cases as (
    select * from {{ ref('int_cases') }}
),

case_windows as (
    select * from {{ ref('int_case_windows') }}
),

excluded as (
    select * from {{ ref('int_rule_exclusions') }}
),

remaining as (
    select
        case_windows.window_name,
        cases.hospital_ccn,
        cases.account_no,
        cases.apr_drg,
        cases.severity_of_illness,
        {{ exact_integer('cases.total_cost', 2) }} as cents
    from case_windows
    inner join cases using (hospital_ccn, account_no)
    anti join excluded using (hospital_ccn, account_no)
),

cells as (
    select
        window_name,
        apr_drg,
        severity_of_illness,
        cast(count(*) as {{ wide_integer() }}) as n,
        cast(sum(cents) as {{ wide_integer() }}) as s,
        cast(sum(cents * cents) as {{ wide_integer() }}) as q
    from remaining
    group by window_name, apr_drg, severity_of_illness
)

select
    remaining.window_name,
    remaining.hospital_ccn,
    remaining.account_no
from remaining
inner join cells using (window_name, apr_drg, severity_of_illness)
where
    {% if 'COST_OUTLIER' in policy('exclusions') -%}
    (n * cents - s) * (n * cents - s) * (n - 1) * {{ policy('outlier_sd_denominator') }} * {{ policy('outlier_sd_denominator') }}
    > n * (n * q - s * s) * {{ policy('outlier_sd_numerator') }} * {{ policy('outlier_sd_numerator') }}
    {% if policy('outlier_tails') == 'high' -%}
    and n * cents > s
    {%- endif %}
    {%- else -%}
    false
    {%- endif %}
