{# A parameter of the policy (methodology §13). There is no fallback: an unknown name stops the build. #}
{% macro policy(name) -%}
    {%- set parameters = var('policy') -%}
    {%- if name not in parameters -%}
        {%- if execute -%}
            {{ exceptions.raise_compiler_error("the policy has no parameter '" ~ name ~ "'") }}
        {%- endif -%}
        {{ return('0') }}  {# parsing only looks for refs #}
    {%- endif -%}
    {{ return(parameters[name]) }}
{%- endmacro %}

{# A number of the policy as an exact SQL literal of at most 8 places. #}
{% macro policy_number(name) -%}
    cast('{{ policy(name) }}' as decimal(18, 8))
{%- endmacro %}

{# A fact about this build: name, kind (period or study), year (whose dollars), base_year. #}
{% macro run_fact(name) -%}
    {{ return(var('run')[name]) }}
{%- endmacro %}
