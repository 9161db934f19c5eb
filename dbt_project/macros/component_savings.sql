{#
  (baseline adjusted cost × trend − adjusted cost) × Σ weight × factor, to cents (methodology §10). The terms have 12 and
  8 places and as many as the policy's factor needs; computed in integers, because the product has more digits than a
  decimal. Null without a baseline.
#}
{% macro component_savings(baseline_cost, trend, cost, weight, factor) -%}
    {%- set factor_places = ('%.8f' | format(factor | float)).split('.')[1].rstrip('0') -%}
    {%- set factor_units = ('%.8f' | format(factor | float)).split('.')[0] ~ factor_places -%}
    {{ exact_decimal(
        round_div_integers(
            '(' ~ exact_integer('(' ~ exact_product(baseline_cost, trend, 4) ~ ' - ' ~ cost ~ ')', 12)
            ~ ' * ' ~ exact_integer(weight, 8) ~ ' * cast(' ~ factor_units ~ ' as ' ~ wide_integer() ~ '))',
            'cast(1' ~ '0' * (18 + factor_places | length) ~ ' as ' ~ wide_integer() ~ ')', 0
        ), 2
    ) }}
{%- endmacro %}
