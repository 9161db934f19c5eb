-- Accepted charge lines without a rate center: their number, and the first few.
select count(*), coalesce(min(row, {{ listed }}), [])
from c
where not broken and revenue_code in (select revenue_code from codes where rate_center = '{{ unmapped }}')
