-- The rate center of each revenue code (the narrowest range wins) and its factor, of its own or of ALL.
create table codes as
with factors as (
    select unnest($1::varchar[]) as rate_center, unnest($2::varchar[])::decimal(18, 8) as factor
),
used as (
    select revenue_code from all_codes where revenue_code <> '{{ total }}'
),
mapped as (
    select
        used.revenue_code,
        arg_min(
            r.rate_center, cast(r.revenue_code_to as integer) - cast(r.revenue_code_from as integer)
        ) as rate_center
    from used
    inner join ref_revenue_codes as r
        on
            length(used.revenue_code) = 4
            and used.revenue_code between r.revenue_code_from and r.revenue_code_to
    group by used.revenue_code
),
centers as (
    select used.revenue_code, coalesce(mapped.rate_center, '{{ unmapped }}') as rate_center
    from used
    left join mapped using (revenue_code)
)
select centers.revenue_code, rate_center, coalesce(own.factor, whole.factor) as factor
from centers
left join factors as own using (rate_center)
left join factors as whole on whole.rate_center = '{{ every_center }}'
