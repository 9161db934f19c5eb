-- Every broken ERROR rule, with the number of rows and the first few.
select rule, file, "column", count(*), min(row, {{ listed }})
from findings
group by all
order by file desc, rule, "column"
