{#
  A build starts from an empty file, so a table or view is simply created: the adapter's own materializations spend more
  than half of their time on backing up, swapping and dropping a predecessor that is never there. `statement` would write
  each text into the target folder a second time.
#}
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set response, _ = adapter.execute(create_table_as(false, target_relation, sql)) -%}
    {%- do store_result('main', response=response) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- set response, _ = adapter.execute(create_view_as(target_relation, sql)) -%}
    {%- do store_result('main', response=response) -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{#
  On Spark likewise. A table of Parquet files holds no constraints, and Spark wants a length where a contract says varchar:
  what leaves is held to its contract where it is read back.
#}
{% materialization table, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        create table {{ target_relation }} as {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}

{% materialization view, adapter='spark' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {%- call statement('main') -%}
        create view {{ target_relation }} as {{ sql }}
    {%- endcall -%}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
