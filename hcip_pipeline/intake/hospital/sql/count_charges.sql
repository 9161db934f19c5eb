-- Charge lines and their dollars: all that were read, the accepted ones, and the rate centers of the accepted ones.
select
    (select coalesce(sum(lines), 0) from sums),
    (select coalesce(sum(charged), 0) from sums),
    coalesce(sum(lines), 0),
    coalesce(sum(charged) filter (revenue_code <> '{{ total }}'), 0),
    coalesce(list(distinct rate_center) filter (rate_center is not null), [])
from {{ by_code }}
left join codes using (revenue_code)
