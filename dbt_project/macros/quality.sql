{#
  Macros shared by the quality measures (methodology §12). Rates are exact ratios of counts; only the limits of intervals
  are binary floating point, computed only with + − × ÷ and square roots and rounded at once.
#}

{# Dispositions that transfer a patient to another acute hospital (methodology §3, TRANSFERRED_OUT). #}
{% macro is_sent_on(disposition) -%}
    {{ disposition }} in ('02', '05', '43', '66', '82', '85', '88', '94')
{%- endmacro %}

{# A discharge that a patient may return from: alive, not still a patient, not against advice, not transferred out. #}
{% macro may_be_index(disposition) -%}
    ({{ disposition }} not in ('07', '20', '30', '40', '41', '42') and not {{ is_sent_on(disposition) }})
{%- endmacro %}

{# Dispositions with a planned readmission. #}
{% macro plans_to_return(disposition) -%}
    {{ disposition }} between '81' and '95'
{%- endmacro %}

{# Where a patient was discharged to, by disposition. #}
{% macro destination(disposition) -%}
    case
        when {{ disposition }} in ('01', '81') then 'home'
        when {{ disposition }} in ('06', '86') then 'home_health'
        when {{ disposition }} in ('03', '61', '64', '83', '89', '92') then 'skilled_nursing'
        when {{ disposition }} in ('62', '90') then 'rehabilitation'
        when {{ disposition }} in ('63', '91') then 'long_term_hospital'
        when {{ disposition }} in ('50', '51') then 'hospice'
        else 'other'
    end
{%- endmacro %}

{# The last day of the quarter that contains a day. #}
{% macro quarter_end(day) -%}
    last_day(cast(date_trunc('quarter', {{ day }}) + interval 2 month as date))
{%- endmacro %}

{# The calendar quarter of a day, such as 2025Q1. #}
{% macro quarter_of(day) -%}
    year({{ day }}) || 'Q' || quarter({{ day }})
{%- endmacro %}

{# The number of items in a text separated by |. #}
{% macro count_items(text) -%}
    case
        when {{ text }} is null or {{ text }} = '' then 0
        else length({{ text }}) - length(replace({{ text }}, '|', '')) + 1
    end
{%- endmacro %}

{# The unit of a measure: a fraction of 1, or a rate per 1,000 (for months: per 1,000 years). #}
{% macro measure_per(measure) -%}
    case
        when {{ measure }} = 'hac_per_1000' then 1000
        when {{ measure }} in ('readmissions_per_1000', 'admissions_per_1000') then 12000
        else 1
    end
{%- endmacro %}

{# Counts of the two windows side by side, by the columns that identify a row. #}
{% macro both_windows(counts, columns) -%}
    select
        {{ columns | join(',\n        ') }},
        coalesce(sum(numerator) filter (where window_name = 'baseline'), 0) as baseline_numerator,
        coalesce(sum(denominator) filter (where window_name = 'baseline'), 0) as baseline_denominator,
        cast(sum(expected) filter (where window_name = 'baseline') as decimal(18, 8)) as baseline_expected,
        coalesce(sum(numerator) filter (where window_name = 'performance'), 0) as numerator,
        coalesce(sum(denominator) filter (where window_name = 'performance'), 0) as denominator,
        cast(sum(expected) filter (where window_name = 'performance') as decimal(18, 8)) as expected
    from {{ counts }}
    group by {{ columns | join(', ') }}
{%- endmacro %}

{#
  The value of a measure from its counts, 8 places: numerator ÷ denominator × per; adjusted: observed ÷ expected ×
  `base_rate`, the base year's statewide rate.
#}
{% macro measure_value(prefix='') -%}
    case
        when measure = 'readmission_rate_adjusted' then
            {{ exact_decimal(
                round_div_integers(
                    '(cast(' ~ prefix ~ 'numerator as ' ~ wide_integer() ~ ') * ' ~ exact_integer('base_rate', 8) ~ ')',
                    exact_integer('coalesce(' ~ prefix ~ 'expected, 0)', 8), 8
                ), 8
            ) }}
        else
            {{ exact_decimal(
                round_div_integers(
                    '(cast(' ~ prefix ~ 'numerator as ' ~ wide_integer() ~ ') * ' ~ measure_per('measure') ~ ')',
                    'cast(' ~ prefix ~ 'denominator as ' ~ wide_integer() ~ ')', 8
                ), 8
            ) }}
    end
{%- endmacro %}

{# 95% limits: Wilson for a share, Byar for a count per 1,000 or relative to its expected value. `side` is lower or upper. #}
{% macro measure_limit(side) -%}
    case
        when denominator = 0 then null
        when measure = 'readmission_rate_adjusted' then
            case
                when coalesce(expected, 0) = 0 then null
                else {{ rounded_limit(byar_limit(side) ~ ' / cast(expected as double) * cast(base_rate as double)') }}
            end
        when {{ measure_per('measure') }} = 1 then {{ rounded_limit(wilson_limit(side)) }}
        else {{ rounded_limit(byar_limit(side) ~ ' / denominator * ' ~ measure_per('measure')) }}
    end
{%- endmacro %}

{% macro rounded_limit(value) -%}
    cast(round({{ value }}, 8) as decimal(18, 8))
{%- endmacro %}

{# The normal deviate of a two-sided 95% interval. #}
{% macro normal_95() -%}
    cast(1.959963984540054 as double)
{%- endmacro %}

{% macro wilson_limit(side) -%}
    {%- set n, z = 'cast(denominator as double)', normal_95() -%}
    {%- set p = '(cast(numerator as double) / ' ~ n ~ ')' -%}
    {%- set half = '(' ~ z ~ ' * sqrt(' ~ p ~ ' * (1 - ' ~ p ~ ') / ' ~ n ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (4 * ' ~ n ~ ' * ' ~ n ~ ')))' -%}
    {%- set center = '(' ~ p ~ ' + ' ~ z ~ ' * ' ~ z ~ ' / (2 * ' ~ n ~ '))' -%}
    greatest(({{ center }} {{ '-' if side == 'lower' else '+' }} {{ half }}) / (1 + {{ z }} * {{ z }} / {{ n }}), 0)
{%- endmacro %}

{# Byar's approximation to the exact limits of a Poisson count. #}
{% macro byar_limit(side) -%}
    {%- set z = normal_95() -%}
    {%- if side == 'lower' -%}
        {%- set o = 'cast(numerator as double)' -%}
        {%- set root = '(1 - 1 / (9 * ' ~ o ~ ') - ' ~ z ~ ' / (3 * sqrt(' ~ o ~ ')))' -%}
        (case when numerator = 0 then 0 else {{ o }} * {{ root }} * {{ root }} * {{ root }} end)
    {%- else -%}
        {%- set o = '(cast(numerator as double) + 1)' -%}
        {%- set root = '(1 - 1 / (9 * ' ~ o ~ ') + ' ~ z ~ ' / (3 * sqrt(' ~ o ~ ')))' -%}
        ({{ o }} * {{ root }} * {{ root }} * {{ root }})
    {%- endif -%}
{%- endmacro %}

{# now ÷ baseline − 1, 8 places; null if the baseline is zero. #}
{% macro relative_change(now, before) -%}
    {{ round_div('(' ~ now ~ ' - ' ~ before ~ ')', before, 8) }}
{%- endmacro %}

{#
  Variance of a relative change by the delta method: (now ÷ before)² × Σ of both windows' relative variances, 1/n for a
  count, 1/n − 1/d for a share. Null if either count is zero.
#}
{% macro change_variance() -%}
    case
        when numerator > 0 and baseline_numerator > 0 and baseline_value > 0 then
            cast(value as double) / cast(baseline_value as double) * (cast(value as double) / cast(baseline_value as double))
            * (
                1 / cast(numerator as double) + 1 / cast(baseline_numerator as double)
                - case
                    when {{ measure_per('measure') }} = 1
                        then 1 / cast(denominator as double) + 1 / cast(baseline_denominator as double)
                    else 0
                end
            )
    end
{%- endmacro %}

{# The measures of a hospital or its parts from their counts: both windows side by side, the performance period with 95% limits. #}
{% macro measures_by_level(counts, state) -%}
with counts as (
    {{ both_windows(counts, ['hospital_ccn', 'level', 'subject', 'measure']) }}
),

state as (
    select * from {{ state }}
)

select
    counts.hospital_ccn,
    counts.level,
    counts.subject,
    counts.measure,
    cast(counts.baseline_numerator as bigint) as baseline_numerator,
    cast(counts.baseline_denominator as bigint) as baseline_denominator,
    counts.baseline_expected,
    {{ measure_value('baseline_') }} as baseline_value,
    cast(counts.numerator as bigint) as numerator,
    cast(counts.denominator as bigint) as denominator,
    counts.expected,
    case counts.measure when 'readmission_rate_adjusted' then state.base_rate end as base_rate,
    {{ measure_value() }} as value,
    {{ measure_limit('lower') }} as lower_limit,
    {{ measure_limit('upper') }} as upper_limit
from counts
cross join state
{%- endmacro %}
