-- Each hospital's peers: the five most similar in size (discharges) and case mix (mean base-year stay of its cells), both
-- scaled by the state's range. Peers that do better on a measure could teach it (measure_leaders).
with cells as (
    select
        apr_drg,
        severity_of_illness,
        {{ round_div('days', 'discharges', 8) }} as mean_days
    from {{ ref('int_quality_cells') }}
),

hospitals as (
    select
        discharges.hospital_ccn,
        count(*) as discharges,
        coalesce({{ round_div('sum(cells.mean_days)', 'count(cells.mean_days)', 4) }}, 0) as case_mix_days
    from {{ ref('int_quality_discharges') }} as discharges
    left join cells using (apr_drg, severity_of_illness)
    where discharges.window_name = 'performance'
    group by discharges.hospital_ccn
),

ranges as (
    select
        max(discharges) - min(discharges) as size_range,
        max(case_mix_days) - min(case_mix_days) as mix_range
    from hospitals
),

pairs as (
    select
        hospitals.hospital_ccn,
        hospitals.discharges,
        hospitals.case_mix_days,
        peers.hospital_ccn as peer_ccn,
        peers.discharges as peer_discharges,
        peers.case_mix_days as peer_case_mix_days,
        coalesce({{ round_div('hospitals.discharges - peers.discharges', 'ranges.size_range', 8) }}, 0) as size_apart,
        coalesce({{ round_div('hospitals.case_mix_days - peers.case_mix_days', 'ranges.mix_range', 8) }}, 0) as mix_apart
    from hospitals
    inner join hospitals as peers on hospitals.hospital_ccn <> peers.hospital_ccn
    cross join ranges
),

ranked as (
    select
        *,
        size_apart * size_apart + mix_apart * mix_apart as distance,
        row_number() over (
            partition by hospital_ccn order by size_apart * size_apart + mix_apart * mix_apart, peer_ccn
        ) as peer_rank
    from pairs
)

select
    hospital_ccn,
    peer_rank,
    '{{ run_fact("name") }}' as period,
    discharges,
    case_mix_days,
    peer_ccn,
    peer_discharges,
    peer_case_mix_days,
    cast(distance as decimal(18, 8)) as distance
from ranked
where peer_rank <= 5
