{#
  Signs of stinting or steering (the committee's guardrails). Counts are exact; the deviates are binary floating point,
  computed only with + − × ÷ and square roots and rounded at once.
#}

{# (sign, column of the event, column of its expected count from the base year's cells) #}
{% macro guardrail_signs() -%}
    {{ return([
        ('READMISSIONS', 'is_readmitted', 'expected_readmission'),
        ('MORTALITY', 'is_death', 'expected_death'),
        ('SHORT_STAYS', 'is_short', 'expected_short'),
        ('TRANSFERS', 'is_sent_on', 'expected_sent_on'),
        ('SEVERITY', 'is_severe', 'expected_severe'),
    ]) }}
{%- endmacro %}

{#
  A finding is this many standard deviations above both its own past and the state (VOLUME: above its own past). With 3,
  clean synthetic states gave one false finding in 9,132 comparisons (November 2026;
  tests/integration/test_quality_effects.py keeps the rate low).
#}
{% macro guardrail_deviate() -%}
    cast(3 as decimal(18, 4))
{%- endmacro %}

{# The minimum number of events of a finding. #}
{% macro guardrail_least_events() -%}
    5
{%- endmacro %}

{#
  Deviate of two Poisson counts, the first of which is expected to be `ratio` times the second:
  2 (√(a + 3/8) − √(ratio (b + 3/8))) ÷ √(1 + ratio), 4 places.
#}
{% macro counts_apart(a, b, ratio) -%}
    cast(round(
        2 * (sqrt(cast({{ a }} as double) + 0.375) - sqrt(cast({{ ratio }} as double) * (cast({{ b }} as double) + 0.375)))
        / sqrt(1 + cast({{ ratio }} as double)), 4
    ) as decimal(18, 4))
{%- endmacro %}

{# Deviate of a Poisson count from its expected value, 4 places. #}
{% macro count_from_expected(a, expected) -%}
    cast(round(2 * (sqrt(cast({{ a }} as double) + 0.375) - sqrt(cast({{ expected }} as double) + 0.375)), 4) as decimal(18, 4))
{%- endmacro %}
