-- Discharges of the period whose attending NPI belongs to an organization or was deactivated by then, according to NPPES.
with discharges as (
    select
        discharges.hospital_ccn,
        discharges.attending_npi as npi,
        discharges.discharge_date
    from {{ ref('stg_discharges') }} as discharges
    inner join {{ ref('stg_windows') }} as windows
        on
            windows.window_name = 'performance'
            and discharges.discharge_date between windows.start_date and windows.end_date
    where discharges.identifier_type = 'NPI'
),

judged as (
    select
        discharges.hospital_ccn,
        discharges.npi,
        irregular.is_organization,
        coalesce(
            irregular.deactivated_on <= discharges.discharge_date
            and not coalesce(
                irregular.reactivated_on >= irregular.deactivated_on
                and irregular.reactivated_on <= discharges.discharge_date,
                false
            ),
            false
        ) as is_deactivated
    from discharges
    inner join {{ ref('stg_irregular_npis') }} as irregular using (npi)
),

screened as (
    select hospital_ccn, npi, 'NPI_NOT_AN_INDIVIDUAL' as reason from judged where is_organization
    union all
    select hospital_ccn, npi, 'NPI_DEACTIVATED' as reason from judged where is_deactivated
)

select
    hospital_ccn,
    '{{ run_fact("name") }}' as period,
    reason,
    count(distinct npi) as physicians,
    count(*) as discharges
from screened
group by hospital_ccn, reason
