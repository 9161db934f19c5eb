-- The few rows that are broken by themselves, with every cell, so that each check is planned over plain columns.
create table broken_{{ table }} as
select * from ({{ typed }}) where row in (select row from {{ short }} where broken)
