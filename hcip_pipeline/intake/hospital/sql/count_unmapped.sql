-- Charge lines without a rate center and their dollars, and whether any line has a warning.
select
    coalesce(sum(lines) filter (rate_center = '{{ unmapped }}'), 0),
    coalesce(sum(charged) filter (rate_center = '{{ unmapped }}'), 0),
    coalesce(bool_or(list_sum(warned) > 0), false)
from all_codes
left join codes using (revenue_code)
