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

all_physicians as (
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
    all_physicians.hospital_ccn,
    '{{ run_fact("name") }}' as period,
    cast(
        row_number() over (
            partition by all_physicians.hospital_ccn
            order by
                all_physicians.is_care_partner desc,
                case when all_physicians.is_care_partner then all_physicians.npi end,
                all_physicians.cost desc,
                all_physicians.npi
        ) as bigint
    ) as physician_number,
    all_physicians.is_care_partner,
    case when all_physicians.is_care_partner then all_physicians.npi end as npi,
    all_physicians.name,
    all_physicians.specialty,
    all_physicians.has_tin,
    main_lines.service_line as main_service_line,
    all_physicians.cases,
    all_physicians.medical_cases,
    all_physicians.surgical_cases,
    all_physicians.days,
    cast(all_physicians.cost as decimal(18, 2)) as cost,
    all_physicians.case_mix_index,
    all_physicians.adjusted_cost,
    all_physicians.adjusted_los,
    cast(all_physicians.best_practice_cost as decimal(18, 2)) as best_practice_cost,
    {{ round_to(
        exact_product('all_physicians.cost - all_physicians.best_practice_cost', policy_number('variable_cost_factor')), 2
    ) }} as potential_savings,
    all_physicians.benchmarked_cases,
    cast(all_physicians.benchmarked_cost as decimal(18, 2)) as benchmarked_cost,
    all_physicians.statewide_cost,
    cast(all_physicians.benchmarked_cost - all_physicians.statewide_cost as decimal(18, 4)) as difference_from_statewide,
    {{ round_div('all_physicians.benchmarked_cost', 'all_physicians.statewide_cost', 8) }} as cost_ratio
from all_physicians
left join main_lines using (hospital_ccn, npi)
