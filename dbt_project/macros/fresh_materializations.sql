{#
  Materializations for a build that starts from an empty database: a table or view is simply created. dbt-duckdb's own
  spend more than half of their time on backing up, swapping and dropping a predecessor, which a build never has; with
  them, settling the demo takes a third more processor time. HCIP_STOCK=1 builds with dbt-duckdb's own (dbt_project.yml).
#}
{% materialization fresh_table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set response, _ = adapter.execute(create_table_as(false, target_relation, sql)) -%}
    {%- do store_result('main', response=response) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization fresh_view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set response, _ = adapter.execute(create_view_as(target_relation, sql)) -%}
    {%- do store_result('main', response=response) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#
  The same on Spark. A table of Parquet files has no constraints, and Spark requires a length for varchar columns of a
  contract, so contracts are checked when a table is read back.
#}
{% materialization fresh_table, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        create table {{ target_relation }} as {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization fresh_view, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- call statement('main') -%}
        create view {{ target_relation }} as {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
