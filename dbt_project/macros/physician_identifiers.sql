{# Ten digits, the first 1 or 2, whose Luhn check over 80840 + NPI holds (methodology §4); the prefix contributes 24. #}
{% macro is_valid_npi(npi) -%}
    coalesce(
        {{ matches_whole(npi, '[12][0-9]{9}') }}
        and (
            24
            {%- for position in range(1, 11) %}
            + {% if position % 2 == 1 -%}
                2 * try_cast(substr({{ npi }}, {{ position }}, 1) as integer)
                - 9 * cast(try_cast(substr({{ npi }}, {{ position }}, 1) as integer) > 4 as integer)
            {%- else -%}
                try_cast(substr({{ npi }}, {{ position }}, 1) as integer)
            {%- endif -%}
            {%- endfor %}
        ) % 10 = 0,
        false
    )
{%- endmacro %}
