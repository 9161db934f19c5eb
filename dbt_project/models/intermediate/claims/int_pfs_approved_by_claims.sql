-- pfs_approved_amount (methodology §11): allowed charges of final, not denied carrier lines (claim type 71) that the
-- physician rendered in the year, for beneficiaries with a final stay at the hospital discharged in the year; and the part
-- of it on claims in doubt.
with lines as (
    select
        npi,
        mbi,
        year(service_date) as calendar_year,
        cast(sum(allowed_amount) as decimal(18, 2)) as allowed_amount,
        cast(coalesce(sum(allowed_amount) filter (where is_in_doubt), 0) as decimal(18, 2)) as amount_in_doubt
    from {{ ref('int_final_professional_lines') }}
    where claim_type_code = '71' and part = 'B' and not is_denied
    group by npi, mbi, year(service_date)
),

-- A beneficiary with several stays at the hospital counts once.
patients as (
    select
        hospital_ccn,
        mbi,
        year(discharge_date) as calendar_year
    from {{ ref('int_inpatient_stays') }}
    group by hospital_ccn, mbi, year(discharge_date)
)

select
    patients.hospital_ccn,
    lines.npi,
    lines.calendar_year,
    cast(sum(lines.allowed_amount) as decimal(18, 2)) as pfs_approved_amount,
    cast(sum(lines.amount_in_doubt) as decimal(18, 2)) as pfs_amount_in_doubt
from lines
inner join patients using (mbi, calendar_year)
where lines.npi is not null and lines.allowed_amount is not null
group by patients.hospital_ccn, lines.npi, lines.calendar_year
