-- One row per discharge and window with the events that are signs, and their probabilities in the base year's cell. A
-- probability is empty if the base year has no data: such a discharge is not a sign of anything.
with discharges as (
    select *
    from {{ ref('int_quality_discharges') }}
    where
        window_name in ('performance', 'baseline')
        and coalesce(mdc, '') not in ('15', '19')
        and apr_drg <> '860'
),

cells as (
    select
        apr_drg,
        severity_of_illness,
        discharges,
        days,
        {{ round_div('readmissions', 'index_discharges', 8) }} as expected_readmission,
        {{ round_div('deaths', 'discharges', 8) }} as expected_death,
        {{ round_div('short_stays', 'discharges', 8) }} as expected_short,
        {{ round_div('sent_on', 'discharges', 8) }} as expected_sent_on
    from {{ ref('int_quality_cells') }}
),

severe as (
    select
        apr_drg,
        {{ round_div(
            "coalesce(sum(discharges) filter (where severity_of_illness in ('3', '4')), 0)", 'sum(discharges)', 8
        ) }} as expected_severe
    from {{ ref('int_quality_cells') }}
    group by apr_drg
),

index_discharges as (
    select * from {{ ref('int_index_discharges') }}
)

select
    discharges.window_name,
    discharges.hospital_ccn,
    discharges.account_no,
    discharges.npi,
    coalesce(index_discharges.is_readmitted, false) as is_readmitted,
    discharges.is_death,
    coalesce(2 * discharges.length_of_stay * cells.discharges < cells.days, false) as is_short,
    discharges.is_sent_on,
    discharges.severity_of_illness in ('3', '4') as is_severe,
    case when index_discharges.account_no is not null then cells.expected_readmission end as expected_readmission,
    cells.expected_death,
    cells.expected_short,
    cells.expected_sent_on,
    severe.expected_severe
from discharges
left join cells using (apr_drg, severity_of_illness)
left join severe using (apr_drg)
left join index_discharges using (window_name, hospital_ccn, account_no)
