-- Observed and expected counts of each sign, by hospital and care partner, for both windows, next to the state's.
-- Volume is compared only with its own past: each discharge counts as one.
with discharges as (
    select * from {{ ref('int_guardrail_discharges') }}
),

care_partners as (
    select hospital_ccn, npi from {{ ref('int_care_partners') }}
),

physicians as (
    select
        window_name,
        hospital_ccn,
        npi,
        {%- for sign, event, expected in guardrail_signs() %}
        count(*) filter (where {{ event }} and {{ expected }} is not null) as {{ event }},
        coalesce(sum({{ expected }}), 0) as {{ expected }},
        count({{ expected }}) as cases_{{ expected }},
        {%- endfor %}
        count(*) as discharges
    from discharges
    group by window_name, hospital_ccn, npi
),

levels as (
    select
        physicians.*,
        'care_partner' as level,
        physicians.npi as subject
    from physicians
    inner join
        care_partners
        -- Not `using`: Spark then puts the joined columns first in `physicians.*`, and a union goes by position.
        on physicians.hospital_ccn = care_partners.hospital_ccn and physicians.npi = care_partners.npi
    union all
    select
        physicians.*,
        'hospital' as level,
        'ALL' as subject
    from physicians
),

signs as (
    {%- for sign, event, expected in guardrail_signs() + [('VOLUME', 'discharges', 'null')] %}
    select
        hospital_ccn,
        level,
        subject,
        '{{ sign }}' as sign,
        cast(coalesce(sum({{ event }}) filter (where window_name = 'performance'), 0) as bigint) as observed,
        cast({{ 'null' if sign == 'VOLUME' else 'coalesce(sum(cases_' ~ expected ~ ") filter (where window_name = 'performance'), 0)" }} as bigint) as cases,
        cast(sum({{ expected }}) filter (where window_name = 'performance') as decimal(18, 8)) as expected,
        cast(coalesce(sum({{ event }}) filter (where window_name = 'baseline'), 0) as bigint) as baseline_observed,
        cast(sum({{ expected }}) filter (where window_name = 'baseline') as decimal(18, 8)) as baseline_expected
    from levels
    group by hospital_ccn, level, subject
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

state as (
    select
        sign,
        sum(observed) as observed,
        sum(expected) as expected,
        sum(baseline_observed) as baseline_observed,
        sum(baseline_expected) as baseline_expected
    from signs
    where level = 'hospital'
    group by sign
)

select
    signs.hospital_ccn,
    signs.level,
    signs.subject,
    signs.sign,
    signs.observed,
    signs.cases,
    signs.expected,
    signs.baseline_observed,
    signs.baseline_expected,
    -- The state's observed ÷ expected: how far all hospitals have drifted since the base year.
    {{ round_div('state.observed', 'state.expected', 8) }} as state_ratio,
    case signs.sign
        when 'VOLUME' then {{ round_div('state.observed', 'state.baseline_observed', 8) }}
        else {{ round_div('state.baseline_observed', 'state.baseline_expected', 8) }}
    end as state_baseline_ratio
from signs
inner join state using (sign)
