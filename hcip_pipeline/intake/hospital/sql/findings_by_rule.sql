-- Every ERROR rule that is broken, with its rows and the first of them.
select rule, file, "column", count(*), min(row, {{ listed }})
from findings
group by all
order by file desc, rule, "column"
