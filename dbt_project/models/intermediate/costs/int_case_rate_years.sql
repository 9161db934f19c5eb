-- The regulator's year, July to June, named for the year it ends in, by discharge date.
select
    hospital_ccn,
    account_no,
    case
        when discharge_date is null then discharge_year
        else year(discharge_date) + cast(month(discharge_date) >= 7 as integer)
    end as rate_year
from {{ ref('stg_discharges') }}
