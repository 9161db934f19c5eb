-- Charge lines by account, and their cost where factors are known.
create table sums as
select
    account_no,
    count(*) as lines,
    count(*) filter (broken) as broken_lines,
    count(*) filter (charge is null) as unreadable,
    coalesce(sum(charge) filter (revenue_code is null or revenue_code <> '{{ total }}'), 0) as charged,
    {% if is_priced %}
    sum(cast(charge as decimal(38, 2)) * factor) as cost
    {% else %}
    null::decimal(38, 10) as cost
    {% endif %}
from c
{% if is_priced %}
left join codes using (revenue_code)
{% endif %}
group by account_no
