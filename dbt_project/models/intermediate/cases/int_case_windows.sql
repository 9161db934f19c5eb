-- A case belongs to every window that contains its discharge date; if the source publishes only a year, to every window
-- that contains the whole year. A study of quarters without dates contains only the discharges of its quarters.
with discharges as (
    select * from {{ ref('stg_discharges') }}
),

windows as (
    select * from {{ ref('stg_windows') }}
)

select
    windows.window_name,
    discharges.hospital_ccn,
    discharges.account_no
from discharges
inner join windows
    on
        coalesce(discharges.discharge_date, make_date(discharges.discharge_year, 1, 1)) >= windows.start_date
        and coalesce(discharges.discharge_date, make_date(discharges.discharge_year, 12, 31)) <= windows.end_date
        {%- if run_fact('kind') == 'study' %}
        or (
            discharges.discharge_date is null
            and discharges.discharge_year between year(windows.start_date) and year(windows.end_date)
        )
        {%- endif %}
