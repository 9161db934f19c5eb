-- Why: a readmission outside every service line, physician or destination would be no one's responsibility.
select
    window_name,
    hospital_ccn,
    measure,
    level
from (
    select
        window_name,
        hospital_ccn,
        measure,
        level,
        sum(numerator) as numerator,
        sum(denominator) as denominator
    from {{ ref('int_all_payer_counts') }}
    where level <> 'condition_code'
    group by window_name, hospital_ccn, measure, level
) as levels
inner join (
    select window_name, hospital_ccn, measure, numerator as whole_numerator, denominator as whole_denominator
    from {{ ref('int_all_payer_counts') }}
    where level = 'hospital'
) as wholes using (window_name, hospital_ccn, measure)
where numerator <> whole_numerator or denominator <> whole_denominator
