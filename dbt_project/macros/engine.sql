{#
  Everything that differs between DuckDB and Spark. Nothing else in the project depends on the engine.
#}

{# Text that is not empty (true) on Spark and empty elsewhere: a macro returns text. #}
{% macro on_spark() -%}
    {%- if target.type == 'spark' -%} spark {%- endif -%}
{%- endmacro %}

{# The widest integer: 38 digits. #}
{% macro wide_integer() -%}
    {{ 'decimal(38, 0)' if on_spark() else 'hugeint' }}
{%- endmacro %}

{# numerator ÷ denominator without the remainder, for non-negative wide integers. Spark's own `div` returns a bigint. #}
{% macro whole_quotient(numerator, denominator) -%}
    {%- if on_spark() -%}
        cast((({{ numerator }}) - ({{ numerator }}) % ({{ denominator }})) / ({{ denominator }}) as decimal(38, 0))
    {%- else -%}
        (({{ numerator }}) // ({{ denominator }}))
    {%- endif -%}
{%- endmacro %}

{# The type of a factor, wide enough for an exact product: Spark drops decimals of a product of more than 38 digits. #}
{% macro factor_type(places) -%}
    decimal({{ 18 if on_spark() else 38 }}, {{ places }})
{%- endmacro %}

{# A list of the texts that are not null, in the order given. #}
{% macro text_list(items) -%}
    {%- if on_spark() -%}
        array_compact(array({{ items | join(', ') }}))
    {%- else -%}
        list_filter([{{ items | join(', ') }}], lambda item: item is not null)
    {%- endif -%}
{%- endmacro %}

{% macro empty_text_list() -%}
    {{ 'cast(array() as array<string>)' if on_spark() else 'cast([] as varchar [])' }}
{%- endmacro %}

{% macro list_concatenation(lists) -%}
    {{ 'concat' if on_spark() else 'list_concat' }}({{ lists | join(', ') }})
{%- endmacro %}

{# The values of a group as a list, lowest first. #}
{% macro sorted_list(value) -%}
    {{ 'sort_array(collect_list(' ~ value ~ '))' if on_spark() else 'list(' ~ value ~ ' order by ' ~ value ~ ')' }}
{%- endmacro %}

{% macro list_length(values) -%}
    {{ 'size' if on_spark() else 'len' }}({{ values }})
{%- endmacro %}

{# The item at a position, from 1; null beyond the end. #}
{% macro list_item(values, place) -%}
    {%- if on_spark() -%}
        try_element_at({{ values }}, cast({{ place }} as int))
    {%- else -%}
        {{ values }}[{{ place }}]
    {%- endif -%}
{%- endmacro %}

{% macro joined_text(values, separator) -%}
    {{ 'array_join' if on_spark() else 'array_to_string' }}({{ values }}, '{{ separator }}')
{%- endmacro %}

{# The distinct texts of a group in order, as one text separated by |; null if there are none. #}
{% macro distinct_texts(value) -%}
    {%- if on_spark() -%}
        nullif(array_join(array_sort(collect_set({{ value }})), '|'), '')
    {%- else -%}
        string_agg(distinct {{ value }}, '|' order by {{ value }})
    {%- endif -%}
{%- endmacro %}

{# One row per item of a text separated by |. #}
{% macro items_of(text) -%}
    {{ "explode(split(" ~ text ~ ", '[|]'))" if on_spark() else "unnest(string_split(" ~ text ~ ", '|'))" }}
{%- endmacro %}

{# Whether the whole text matches the pattern. #}
{% macro matches_whole(text, pattern) -%}
    {%- if on_spark() -%}
        ({{ text }} rlike '^(?:{{ pattern }})$')
    {%- else -%}
        regexp_full_match({{ text }}, '{{ pattern }}')
    {%- endif -%}
{%- endmacro %}

{% macro add_days(day, days) -%}
    {{ 'date_add(' ~ day ~ ', ' ~ days ~ ')' if on_spark() else '(' ~ day ~ ' + cast(' ~ days ~ ' as integer))' }}
{%- endmacro %}

{% macro days_between(earlier, later) -%}
    {{ 'datediff(' ~ later ~ ', ' ~ earlier ~ ')' if on_spark() else "date_diff('day', " ~ earlier ~ ', ' ~ later ~ ')' }}
{%- endmacro %}

{# A column whose name is a keyword. Spark reads double quotes as a string literal. #}
{% macro quoted(name) -%}
    {{ '`' ~ name ~ '`' if on_spark() else '"' ~ name ~ '"' }}
{%- endmacro %}
