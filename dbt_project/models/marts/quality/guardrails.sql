-- Signs of stinting or steering before anything is paid: every hospital and care partner compared with its own past and
-- with the state. The committee reviews the cases behind a finding; no amount of the waterfall depends on it.
with counts as (
    select * from {{ ref('int_guardrail_counts') }}
),

expectations as (
    select
        *,
        case sign when 'VOLUME' then null else cast({{ exact_product('expected', 'state_ratio', 8) }} as decimal(18, 8)) end
            as expected_as_state,
        -- The expected ratio of the period's events to the baseline's.
        case sign
            when 'VOLUME' then state_baseline_ratio
            else {{ round_div(exact_product('expected', 'state_ratio', 8) ~ ' * 1', exact_product('baseline_expected', 'state_baseline_ratio', 8), 8, 16) }}
        end as expected_growth
    from counts
),

deviations as (
    select
        *,
        case
            when baseline_observed > 0 or baseline_expected > 0
                then {{ counts_apart('observed', 'baseline_observed', 'expected_growth') }}
        end as from_own_past,
        case sign
            when 'VOLUME' then null
            else {{ count_from_expected('observed', 'expected_as_state') }}
        end as from_state
    from expectations
)

select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    level,
    subject as npi,
    sign,
    observed,
    cases,
    expected_as_state,
    baseline_observed,
    cast(case sign when 'VOLUME' then state_baseline_ratio * baseline_observed else expected_growth * baseline_observed end as decimal(18, 8))
        as expected_by_past,
    from_own_past,
    from_state,
    observed >= {{ guardrail_least_events() }}
    and coalesce(from_own_past >= {{ guardrail_deviate() }}, false)
    and case sign
        -- Volume is compared only if there is a past to compare with.
        when 'VOLUME' then baseline_observed >= 4 * {{ guardrail_least_events() }}
        else coalesce(from_state >= {{ guardrail_deviate() }}, false)
    end as is_finding
from deviations
