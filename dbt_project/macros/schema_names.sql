{# A model's schema is its layer, the same in every build: each build has a DuckDB file of its own. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
