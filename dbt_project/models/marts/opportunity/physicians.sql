-- The physicians that a committee reviews: care partners by name, the others by their figures only.
with cases as (
    select * from {{ ref('int_benchmarked_cases') }}
),

care_partners as (
    select * from {{ ref('stg_care_partners') }}
),

line_cases as (
    select
        hospital_ccn,
        npi,
        service_line,
        count(*) as cases
    from cases
    group by hospital_ccn, npi, service_line
),

main_lines as (
    select
        hospital_ccn,
        npi,
        service_line
    from line_cases
    qualify row_number() over (partition by hospital_ccn, npi order by cases desc, service_line) = 1
),

totals as (
    select
        hospital_ccn,
        npi,
        count(*) as cases,
        count(*) filter (where stream = 'medical') as medical_cases,
        count(*) filter (where stream = 'surgical') as surgical_cases,
        cast(sum(length_of_stay) as bigint) as days,
        cast(sum(total_cost) as decimal(18, 2)) as cost,
        {{ round_div('sum(cost_weight)', 'count(*)', 8) }} as case_mix_index,
        {{ round_div('sum(total_cost)', 'sum(cost_weight)', 4) }} as adjusted_cost,
        {{ round_div('sum(length_of_stay)', 'sum(los_weight)', 4) }} as adjusted_los,
        cast(sum(best_practice_norm) as decimal(18, 2)) as best_practice_cost,
        count(*) filter (where is_benchmarked) as benchmarked_cases,
        cast(coalesce(sum(total_cost) filter (where is_benchmarked), 0) as decimal(18, 2)) as benchmarked_cost,
        cast(sum(statewide_mean_cost) as decimal(18, 4)) as statewide_cost
    from cases
    group by hospital_ccn, npi
),

everybody as (
    select
        coalesce(totals.hospital_ccn, care_partners.hospital_ccn) as hospital_ccn,
        coalesce(totals.npi, care_partners.npi) as npi,
        care_partners.npi is not null as is_care_partner,
        care_partners.name,
        care_partners.specialty,
        coalesce(care_partners.has_tin, false) as has_tin,
        coalesce(totals.cases, 0) as cases,
        coalesce(totals.medical_cases, 0) as medical_cases,
        coalesce(totals.surgical_cases, 0) as surgical_cases,
        coalesce(totals.days, 0) as days,
        coalesce(totals.cost, 0) as cost,
        totals.case_mix_index,
        totals.adjusted_cost,
        totals.adjusted_los,
        coalesce(totals.best_practice_cost, 0) as best_practice_cost,
        coalesce(totals.benchmarked_cases, 0) as benchmarked_cases,
        coalesce(totals.benchmarked_cost, 0) as benchmarked_cost,
        totals.statewide_cost
    from totals
    full join care_partners on totals.hospital_ccn = care_partners.hospital_ccn and totals.npi = care_partners.npi
)

select
    everybody.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    cast(
        row_number() over (
            partition by everybody.hospital_ccn
            order by
                everybody.is_care_partner desc,
                case when everybody.is_care_partner then everybody.npi end,
                everybody.cost desc,
                everybody.npi
        ) as bigint
    ) as physician_number,
    everybody.is_care_partner,
    case when everybody.is_care_partner then everybody.npi end as npi,
    everybody.name,
    everybody.specialty,
    everybody.has_tin,
    main_lines.service_line as main_service_line,
    everybody.cases,
    everybody.medical_cases,
    everybody.surgical_cases,
    everybody.days,
    cast(everybody.cost as decimal(18, 2)) as cost,
    everybody.case_mix_index,
    everybody.adjusted_cost,
    everybody.adjusted_los,
    cast(everybody.best_practice_cost as decimal(18, 2)) as best_practice_cost,
    {{ round_to(
        exact_product('everybody.cost - everybody.best_practice_cost', policy_number('variable_cost_factor')), 2
    ) }} as potential_savings,
    everybody.benchmarked_cases,
    cast(everybody.benchmarked_cost as decimal(18, 2)) as benchmarked_cost,
    everybody.statewide_cost,
    cast(everybody.benchmarked_cost - everybody.statewide_cost as decimal(18, 4)) as difference_from_statewide,
    {{ round_div('everybody.benchmarked_cost', 'everybody.statewide_cost', 8) }} as cost_ratio
from everybody
left join main_lines using (hospital_ccn, npi)
