{# A model's schema is its layer, the same in every build: each build has its own DuckDB file. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
