-- By file, the number of quarantined rows, and of those that break a rule themselves.
select file, count(distinct row), count(distinct row) filter (rule not in ({{ following }}))
from findings
group by file
