-- Charges of each case by rate center. Revenue code 0001 is the total line and is not added.
with charge_lines as (
    select * from {{ ref('stg_charge_lines') }} where revenue_code <> '0001'
),

rate_centers as (
    select * from {{ ref('int_revenue_code_rate_centers') }}
)

select
    charge_lines.hospital_ccn,
    charge_lines.account_no,
    rate_centers.rate_center,
    cast(sum(charge_lines.charge) as decimal(18, 2)) as charge
from charge_lines
inner join rate_centers using (revenue_code)
group by charge_lines.hospital_ccn, charge_lines.account_no, rate_centers.rate_center
