-- Results of each intervention by quarter, as hospitals report them.
with results as (
    select * from {{ ref('stg_redesign_results') }}
),

interventions as (
    select hospital_ccn, intervention_id, is_included from {{ ref('stg_protocol_interventions') }}
)

select
    results.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    results.intervention_id,
    results.quarter,
    results.measured,
    results.numerator,
    results.denominator,
    {{ round_div('results.numerator', 'results.denominator', 8) }} as share,
    coalesce(interventions.is_included, false) as is_included
from results
left join interventions using (hospital_ccn, intervention_id)
