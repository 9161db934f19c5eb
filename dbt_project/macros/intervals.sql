{#
  Half the width of a 95% interval of a ratio of sums over n cases: t(n − 1) · sqrt(n ÷ (n − 1) · Σe²) ÷ Σ weight, to 4
  places. Student's t at 97.5% for 1 to 30 degrees of freedom; above that, in steps toward the normal quantile.
#}
{% macro interval_half_width(squares, cases, weight) -%}
    {%- set quantiles = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042
    ] -%}
    cast(
        (case
            {%- for quantile in quantiles %}
            when {{ cases }} = {{ loop.index + 1 }} then {{ quantile }}
            {%- endfor %}
            when {{ cases }} <= 61 then 2.021
            when {{ cases }} <= 121 then 2.000
            else 1.980
        end)
        * sqrt(cast({{ squares }} as double) * {{ cases }} / ({{ cases }} - 1)) / cast({{ weight }} as double)
        as decimal(18, 4)
    )
{%- endmacro %}

{# The lower limit of an interval, at least 0; null without an interval (greatest() would ignore the null). #}
{% macro interval_low(value, half_width) -%}
    case when {{ half_width }} is not null then cast(greatest({{ value }} - {{ half_width }}, 0) as decimal(18, 4)) end
{%- endmacro %}

{# The upper limit of an interval; null without an interval. #}
{% macro interval_high(value, half_width) -%}
    cast({{ value }} + {{ half_width }} as decimal(18, 4))
{%- endmacro %}
