{%- set numerator = 'numerator * cast(1000000000000000000000000 as ' ~ wide_integer() ~ ')' -%}
-- cost_factor(hospital, rate_center, rate_year) of methodology §2, 8 places. A rate center without a row uses the
-- hospital's row ALL (int_rate_center_costs).
with factors as (
    select * from {{ ref('stg_cost_factors') }}
),

divisors as (
    select
        hospital_ccn,
        rate_center,
        rate_year,
        {% if policy('cost_method') == 'markup' -%}
        {{ exact_integer('1', 8) }} as numerator,
        {{ exact_integer('markup', 8) }}
        {%- elif policy('cost_method') == 'rcc' -%}
        {{ exact_integer('cost_to_charge', 8) }} as numerator,
        {{ exact_integer('1', 8) }}
        {%- else -%}
        {{ exact_integer('1', 8) }} as numerator,
        {{ exact_integer('1', 8) }}
        {%- endif %}
        * {{ exact_integer('labor_market', 8) }}
        * {{ exact_integer('1 + ime', 8) }}
        * {{ exact_integer('1 + dsh', 8) }} as denominator
    from factors
),

-- Long division: the product of four 8-place factors has 32 places, too many for eight more digits in one step.
whole_part as (
    select
        hospital_ccn,
        rate_center,
        rate_year,
        denominator,
        {{ whole_quotient(numerator, 'denominator') }} as units,
        ({{ numerator }}) % denominator as remainder
    from divisors
),

{% for before, after in [
    ('whole_part', 'two_places'), ('two_places', 'four_places'), ('four_places', 'six_places'),
    ('six_places', 'eight_places')
] -%}
{{ after }} as (
    select
        hospital_ccn,
        rate_center,
        rate_year,
        denominator,
        units * 100 + {{ whole_quotient('remainder * 100', 'denominator') }} as units,
        (remainder * 100) % denominator as remainder
    from {{ before }}
){{ "," if not loop.last }}

{% endfor -%}
select
    hospital_ccn,
    rate_center,
    rate_year,
    {{ exact_decimal('units + cast(2 * remainder >= denominator as integer)', 8) }} as cost_factor
from eight_places
