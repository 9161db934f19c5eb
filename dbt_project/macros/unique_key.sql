{# Every table declares its key; this test checks it. #}
{% test unique_key(model, columns) %}
    select
        {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}
