-- Charge lines by revenue code, with the number of rows for each warning.
select
    revenue_code,
    count(*) as lines,
    coalesce(sum(charge), 0) as charged,
    min(charge) as least,
    [{% for warning in warnings %}count(*) filter ({{ warning }}){{ ", " if not loop.last }}{% endfor %}] as warned
from {{ lines }}
group by revenue_code
