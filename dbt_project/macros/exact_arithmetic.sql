{#
  Exact arithmetic (methodology §0). Every quotient on the way to a payment is a ratio of integers, rounded once, half
  away from zero. DuckDB's own `/` on decimals is binary floating point.
#}

{# A decimal of at most `places` places as an integer number of units of its last place. #}
{% macro exact_integer(value, places=8) -%}
    cast(
        cast({{ value }} as decimal(38, {{ places }})) * cast(1{{ '0' * places }} as decimal({{ places + 1 }}, 0))
        as {{ wide_integer() }}
    )
{%- endmacro %}

{# The inverse: an integer number of units of the last place as a decimal. #}
{% macro exact_decimal(units, scale) -%}
    cast(
        cast({{ units }} as decimal(18, 0)) * cast('{{ '0.' ~ '0' * (scale - 1) ~ '1' }}' as decimal({{ scale + 1 }}, {{ scale }}))
        as decimal(18, {{ scale }})
    )
{%- endmacro %}

{# numerator ÷ denominator of two integers, rounded half away from zero, in units of the last place. #}
{% macro round_div_integers(numerator, denominator, scale) -%}
    (case
        when {{ denominator }} = 0 then null
        else
            {{ whole_quotient(
                '2 * abs(' ~ numerator ~ ') * cast(1' ~ '0' * scale ~ ' as ' ~ wide_integer() ~ ') + abs(' ~ denominator ~ ')',
                '2 * abs(' ~ denominator ~ ')'
            ) }}
            * case when ({{ numerator }} < 0) = ({{ denominator }} < 0) then 1 else -1 end
    end)
{%- endmacro %}

{#
  The only division: numerator ÷ denominator, exact, rounded half away from zero to `scale` places. Both are decimals
  or integers of at most `places` places. A zero denominator gives null.
#}
{% macro round_div(numerator, denominator, scale, places=8) -%}
    {{ exact_decimal(
        round_div_integers(exact_integer(numerator, places), exact_integer(denominator, places), scale), scale
    ) }}
{%- endmacro %}

{# An exact decimal rounded half away from zero to `scale` places. #}
{% macro round_to(value, scale) -%}
    cast({{ value }} as decimal(18, {{ scale }}))
{%- endmacro %}

{#
  a × b, exact, for decimals of at most 18 digits. DuckDB limits their product to 18 digits unless a factor is wider.
#}
{% macro exact_product(a, b, a_places=2) -%}
    (cast({{ a }} as {{ factor_type(a_places) }}) * {{ b }})
{%- endmacro %}

{% macro clamp(value, low, high) -%}
    greatest({{ low }}, least({{ high }}, {{ value }}))
{%- endmacro %}

{#
  Linear-interpolation percentile (Hyndman–Fan type 7) of a sorted list, as the numerator over 100,000,000: exact, for
  comparisons. `p` is a decimal of at most 8 places.
#}
{% macro percentile_numerator(sorted_values, p) -%}
    {%- set rank = '((' ~ list_length(sorted_values) ~ ' - 1) * cast(' ~ p ~ ' * 100000000 as bigint))' -%}
    {%- set place = whole_quotient(rank, '100000000') -%}
    {%- set low = list_item(sorted_values, place ~ ' + 1') -%}
    {%- set high = list_item(sorted_values, 'least(' ~ place ~ ' + 2, ' ~ list_length(sorted_values) ~ ')') -%}
    (
        {{ exact_product(low, 'cast(100000000 as decimal(9, 0))', 4) }}
        + {{ exact_product(high ~ ' - ' ~ low, 'cast(' ~ rank ~ ' % 100000000 as decimal(9, 0))', 4) }}
    )
{%- endmacro %}

{# The same percentile, rounded to `scale` places. #}
{% macro percentile(sorted_values, p, scale) -%}
    {{ round_div(percentile_numerator(sorted_values, p), '100000000', scale) }}
{%- endmacro %}

{# fraction ^ exponent (methodology §7): the only permitted floating-point step, rounded to 8 places at once. #}
{% macro power_curve(fraction, exponent) -%}
    {%- if exponent | string | float == 1.0 -%}
        {{ fraction }}
    {%- else -%}
        cast(pow(cast({{ fraction }} as double), cast('{{ exponent }}' as double)) as decimal(18, 8))
    {%- endif -%}
{%- endmacro %}
