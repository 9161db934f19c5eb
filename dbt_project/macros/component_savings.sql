{#
  (baseline adjusted cost × trend − adjusted cost) × Σ weight × factor, to cents (methodology §10). Places: 4 + 8, 8, 4
  and 24 in all; in integers, because the product needs more digits than a decimal has. Null without a baseline.
#}
{% macro component_savings(baseline_cost, trend, cost, weight, factor) -%}
    {{ exact_decimal(
        round_div_integers(
            '(' ~ exact_integer('(' ~ exact_product(baseline_cost, trend, 4) ~ ' - ' ~ cost ~ ')', 12)
            ~ ' * ' ~ exact_integer(weight, 8) ~ ' * ' ~ exact_integer(factor, 4) ~ ')',
            'cast(10000000000000000000000 as hugeint)', 0
        ), 2
    ) }}
{%- endmacro %}
