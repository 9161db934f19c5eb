{#
  Macros shared by the claims models.
#}

{# The values of a group as one text, in order: equal texts mean equal multisets. #}
{% macro sorted_text(value) -%}
    {{ joined_text(sorted_list(value), ' ') }}
{%- endmacro %}

{#
  Whether a row is the delivery that counts for its record: the newest file's. An identical record delivered again is the
  same record, and a changed one under the same identity replaces it; both are counted in `claims_report`.
#}
{% macro newest_delivery(identity) -%}
    row_number() over (
        partition by {{ identity | join(', ') }}
        order by {{ delivery_moment() }} desc, source_archive desc, source_row desc
    ) = 1
{%- endmacro %}

{# When a file was made: its date and the time at the end of its archive's name, as sortable text. #}
{% macro delivery_moment() -%}
    concat(cast(file_date as string), right(source_archive, 8))
{%- endmacro %}

{# Lowest claim id first: ids are numbers of at most 13 digits, written with or without leading zeros. #}
{% macro claim_id_order(claim_id) -%}
    try_cast({{ claim_id }} as bigint) nulls last, {{ claim_id }}
{%- endmacro %}

{# The type of facility, from the last four characters of a CMS certification number. #}
{% macro facility_type(ccn) -%}
    case
        when substr({{ ccn }}, 3, 1) in ('S', 'M') then 'psychiatric'
        when substr({{ ccn }}, 3, 1) in ('T', 'R') then 'rehabilitation'
        when substr({{ ccn }}, 3, 1) in ('U', 'W', 'Y', 'Z') then 'skilled_nursing'
        when substr({{ ccn }}, 3, 4) between '0001' and '0879' then 'acute'
        when substr({{ ccn }}, 3, 4) between '1300' and '1399' then 'acute'
        when substr({{ ccn }}, 3, 4) between '2000' and '2299' then 'long_term'
        when substr({{ ccn }}, 3, 4) between '3025' and '3099' then 'rehabilitation'
        when substr({{ ccn }}, 3, 4) between '3300' and '3399' then 'acute'
        when substr({{ ccn }}, 3, 4) between '4000' and '4499' then 'psychiatric'
        else 'other'
    end
{%- endmacro %}
