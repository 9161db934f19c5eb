-- The core of a half-year (2025H1, base year 2023), written by hand to compare times: costs, exclusions, outliers, norms
-- by physicians' percentiles, performance incentives, under the policy's defaults. Amounts are whole cents.
create macro half_up(n, d) as (2 * (n) + (d)) // (2 * (d));

create table centers as
select
    code,
    coalesce(
        arg_min(rate_center, (revenue_code_to::int - revenue_code_from::int, revenue_code_from)), 'UNMAPPED'
    ) as rate_center
from (select distinct revenue_code as code from charges)
left join revenue_codes on code between revenue_code_from and revenue_code_to
group by code;

-- 1 ÷ (markup × labor market × (1 + IME) × (1 + DSH)) to 8 places, by long division
create table factors as
with divisors as (
    select
        hospital_ccn,
        rate_center,
        rate_year,
        (markup * 100000000)::hugeint * (labor_market * 100000000)::hugeint
        * ((1 + ime) * 100000000)::hugeint * ((1 + dsh) * 100000000)::hugeint as d
    from cost_factors
),
parts as (
    select *, 1000000000000000000000000000000000000::hugeint // d as q, 1000000000000000000000000000000000000::hugeint % d as r
    from divisors
)
select
    hospital_ccn,
    rate_center,
    rate_year,
    (((q * 10000 + (r * 10000) // d) + (2 * ((r * 10000) % d) >= d)::int)::decimal(18, 0) * 0.00000001::decimal(9, 8))
        ::decimal(18, 8) as factor
from parts;

create table physicians as
select npi
from (select attending_npi as npi from discharges union select operating_npi from discharges)
where regexp_full_match(npi, '[0-9]{10}')
    and (24 + list_sum([
        case when i % 2 = 1 then 2 * npi[i]::int - 9 * (npi[i]::int > 4)::int else npi[i]::int end for i in range(1, 11)
    ])) % 10 = 0;

create table cases as
with lines as (
    select hospital_ccn, account_no, rate_center, sum(charge) as charge
    from charges
    inner join centers on revenue_code = code
    where revenue_code <> '0001'
    group by hospital_ccn, account_no, rate_center
),
costs as (
    select
        hospital_ccn,
        account_no,
        sum(cents) filter (where component is distinct from 'supply_drug') as core,
        sum(cents) filter (where component = 'supply_drug') as supplies
    from (
        select
            lines.hospital_ccn,
            lines.account_no,
            rate_centers.component,
            ((lines.charge::decimal(38, 2) * coalesce(own.factor, whole.factor))::decimal(18, 2) * 100)::bigint as cents
        from lines
        inner join discharges as stay using (hospital_ccn, account_no)
        left join rate_centers using (rate_center)
        left join factors as own
            on own.hospital_ccn = lines.hospital_ccn and own.rate_center = lines.rate_center
            and own.rate_year = year(stay.discharge_date) + (month(stay.discharge_date) >= 7)::int
        left join factors as whole
            on whole.hospital_ccn = lines.hospital_ccn and whole.rate_center = 'ALL'
            and whole.rate_year = year(stay.discharge_date) + (month(stay.discharge_date) >= 7)::int
    )
    group by hospital_ccn, account_no
),
judged as (
    select
        d.hospital_ccn,
        d.account_no,
        case
            when d.discharge_date between '2023-01-01' and '2023-12-31' then 'base'
            when d.discharge_date between '2024-01-01' and '2024-06-30' then 'before'
            when d.discharge_date between '2025-01-01' and '2025-06-30' then 'now'
        end as part,
        case when g.type = 'P' then operating.npi when g.type = 'M' then attending.npi end as npi,
        d.apr_drg,
        d.severity_of_illness as severity,
        coalesce(core, 0) + coalesce(supplies, 0) as cost,
        coalesce(h.acute = 'Y', false)
        and coalesce(g.mdc not in ('15', '19'), true)
        and coalesce(d.apr_drg not in ('560', '860', '955', '956'), false)
        and coalesce(d.discharge_disposition not in ('20', '07', '02', '05', '43', '66', '82', '85', '88', '94', '30'), true)
            as is_kept
    from discharges as d
    left join costs using (hospital_ccn, account_no)
    left join apr_drg as g using (grouper_version, apr_drg)
    left join hospitals as h on h.ccn = d.hospital_ccn
    left join physicians as attending on attending.npi = d.attending_npi
    left join physicians as operating on operating.npi = d.operating_npi
)
select hospital_ccn, account_no, part, npi, apr_drg, severity, cost
from judged
where is_kept and cost > 0 and npi is not null and part is not null
window cell as (partition by part, apr_drg, severity)
qualify
    -- (n·c − s)² (n − 1) <= 3² n (n·q − s²), with c, s, q in cents
    (count(*) over cell * cost::hugeint - sum(cost::hugeint) over cell) ** 2 * (count(*) over cell - 1)
    <= 9 * count(*) over cell::hugeint
    * (count(*) over cell * sum(cost::hugeint * cost) over cell - (sum(cost::hugeint) over cell) ** 2);

create table norms as
with means as (
    select apr_drg, severity, npi, half_up(sum(cost)::hugeint * 100, count(*)) as mean
    from cases where part = 'base' group by apr_drg, severity, npi having count(*) >= 2
),
percentiles as (
    select
        apr_drg,
        severity,
        count(*) as physicians,
        list(mean order by mean) as m,
        (len(m) - 1) * 25 as low,
        (len(m) - 1) * 75 as high
    from means group by apr_drg, severity
),
in_base_dollars as (
    select
        apr_drg,
        severity,
        physicians,
        half_up(m[low // 100 + 1] * 100 + (m[least(low // 100 + 2, len(m))] - m[low // 100 + 1]) * (low % 100), 10000) as bpn,
        half_up(m[high // 100 + 1] * 100 + (m[least(high // 100 + 2, len(m))] - m[high // 100 + 1]) * (high % 100), 10000) as p75
    from percentiles
),
with_incentive as (
    select
        n.*,
        half_up(half_up(sum(greatest(cost - bpn, 0))::hugeint, 10), count(*)) as mpi
    from in_base_dollars as n
    inner join cases as c on c.part = 'base' and c.apr_drg = n.apr_drg and c.severity = n.severity
    group by all
    having count(*) >= 20 and physicians >= 5
),
trend as (
    select
        half_up(
            (max(index_value) filter (where calendar_year = 2025)::decimal(38, 8) * 100000000)::hugeint * 100000000,
            (max(index_value) filter (where calendar_year = 2023)::decimal(38, 8) * 100000000)::hugeint
        ) as t
    from cost_index where component = 'total'
)
select
    apr_drg,
    severity,
    half_up(bpn * t, 100000000) as bpn,
    half_up(p75 * t, 100000000) as p75,
    half_up(mpi * t, 100000000) as mpi
from with_incentive, trend;

create table incentive_cases as
with elected as (
    select
        ccn as hospital_ccn,
        case when p.hospital_ccn is null then 100 else p.mpi_floor end as low,
        case when p.hospital_ccn is null then 3000 else p.mpi_ceiling end as high,
        (coalesce(p.improvement_share, 0.66666667) * 100000000)::hugeint as share
    from hospitals left join protocols as p on p.hospital_ccn = ccn
),
now as (
    select
        c.*,
        n.bpn,
        n.p75,
        least(greatest(n.mpi, (low * 100)::hugeint), (high * 100)::hugeint) as bounded,
        share,
        half_up(sum(cost) over (partition by c.npi, c.apr_drg, c.severity)::hugeint * 100,
                count(*) over (partition by c.npi, c.apr_drg, c.severity)) > n.p75 * 100 as is_gated
    from cases as c
    inner join norms as n using (apr_drg, severity)
    inner join elected using (hospital_ccn)
    where part = 'now'
)
select
    hospital_ccn,
    account_no,
    npi,
    case
        when is_gated then 0::decimal(18, 2)
        else (half_up(
            (bounded - half_up(bounded * share, 100000000))
            * case
                when p75 <= bpn then (cost <= bpn)::int * 100000000
                else half_up(least(greatest(p75 - cost, 0), p75 - bpn) * 100000000, p75 - bpn)
            end,
            100000000
        )::decimal(18, 0) * 0.01)::decimal(18, 2)
    end as performance_incentive
from now
inner join care_partners using (hospital_ccn, npi);
