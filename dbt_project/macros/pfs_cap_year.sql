{# The calendar year whose fee-schedule amounts cap a payment (policy: pfs_cap_basis). #}
{% macro pfs_cap_year() -%}
    {{ run_fact('year') }}{{ ' - 1' if policy('pfs_cap_basis') == 'prior_year' }}
{%- endmacro %}
