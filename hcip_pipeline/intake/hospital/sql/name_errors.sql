-- The rule, the column and the cell of every row that is broken by itself.
insert into found
select '{{ table }}', row, found."column", found.rule, found.cell
from (select row, unnest([{{ cases | join(", ") }}]) as found from broken_{{ table }})
where found is not null
