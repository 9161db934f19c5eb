{#
  Stays and episodes (methodology §11, §12): one person's rows in chronological order, some of which continue earlier
  rows. `order` lists the columns of the first day, the last day, and those that break ties.
#}

{#
  The window of all earlier rows: `max(discharge_date) over earlier` is the latest discharge so far.
#}
{% macro window_of_earlier(person, order) -%}
    partition by {{ person | join(', ') }}
    order by {{ order | join(', ') }}
    rows between unbounded preceding and 1 preceding
{%- endmacro %}

{# The rows numbered by episode: a row that does not satisfy `continues` begins the person's next episode. #}
{% macro numbered_episodes(rows, person, order, continues, number='episode_no') -%}
    select
        *,
        sum(case when {{ continues }} then 0 else 1 end) over (
            partition by {{ person | join(', ') }}
            order by {{ order | join(', ') }}
            rows between unbounded preceding and current row
        ) as {{ number }}
    from {{ rows }}
{%- endmacro %}

{#
  The rows with their places in the episode: `place` 1 is the row that began first; `place_from_last` 1 ended last.
#}
{% macro ranked_in_episodes(rows, person, order, number='episode_no') -%}
    {%- set episode = (person + [number]) | join(', ') -%}
    {%- set from_last = [order[1], order[0]] + order[2:] -%}
    select
        *,
        row_number() over (partition by {{ episode }} order by {{ order | join(', ') }}) as place,
        row_number() over (
            partition by {{ episode }} order by {{ from_last | join(' desc, ') }} desc
        ) as place_from_last
    from {{ rows }}
{%- endmacro %}
