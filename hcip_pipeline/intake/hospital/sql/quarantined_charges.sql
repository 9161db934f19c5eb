-- Dollars of the quarantined charge lines.
select coalesce(sum(charge) filter (revenue_code is null or revenue_code <> '{{ total }}'), 0)
from c
where row in (select row from findings where file = 'charges')
