{# Why: a case or cent lost in a join is a payment that cannot be recomputed (methodology §3). #}
{% test balanced(model) %}
    select
        stage,
        window_name,
        hospital_ccn
    from {{ model }}
    where cases_in <> cases_kept + cases_excluded or amount_in <> amount_kept + amount_excluded
{% endtest %}
