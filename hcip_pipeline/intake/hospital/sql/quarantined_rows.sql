-- By file the rows that are quarantined, and those of them that break a rule themselves.
select file, count(distinct row), count(distinct row) filter (rule not in ({{ following }}))
from findings
group by file
