{%- set every_window = 'base_year' if run_fact('kind') == 'norms' else 'all' %}
-- Stage 2 of the conservation ledger: charge lines, compared with charges by rate center; "cases" are those with a line.
with received as (
    select hospital_ccn, count(distinct account_no) as cases, sum(charge) as amount
    from {{ ref('stg_charge_lines') }}
    where revenue_code <> '0001'
    group by hospital_ccn
),

priced as (
    select hospital_ccn, count(distinct account_no) as cases, sum(charge) as amount
    from {{ ref('int_charges_by_rate_center') }}
    group by hospital_ccn
)

select
    '2 charges' as stage,
    '{{ every_window }}' as window_name,
    received.hospital_ccn,
    received.cases as cases_in,
    coalesce(priced.cases, 0) as cases_kept,
    0 as cases_excluded,
    received.amount as amount_in,
    coalesce(priced.amount, 0) as amount_kept,
    0 as amount_excluded
from received
left join priced using (hospital_ccn)
