-- The few rows that are broken by themselves, with every cell: each check is then planned over plain columns.
create table broken_{{ table }} as
select * from ({{ typed }}) where row in (select row from {{ short }} where broken)
