{# Rows of the conservation ledger, with the columns and types that all its parts share. #}
{% macro ledger_rows(stages) -%}
    select
        stage,
        window_name,
        hospital_ccn,
        cast(cases_in as bigint) as cases_in,
        cast(cases_kept as bigint) as cases_kept,
        cast(cases_excluded as bigint) as cases_excluded,
        cast(amount_in as decimal(18, 2)) as amount_in,
        cast(amount_kept as decimal(18, 2)) as amount_kept,
        cast(amount_excluded as decimal(18, 2)) as amount_excluded
    from {{ stages }}
{%- endmacro %}
