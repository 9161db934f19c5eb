{#
  A build starts from an empty file, so a table or view is simply created: the adapter's own materializations spend more
  than half of their time on backing up, swapping and dropping a predecessor that is never there.
#}
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        {{ create_table_as(false, target_relation, sql) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- call statement('main') -%}
        {{ create_view_as(target_relation, sql) }}
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
