-- Discharges that are rejected because of other rows: repeated keys, and rules between the two files.
create table found as
with repeated as (
    select row, account_no
    from d
    where shape_ok and is_own and account_no in (
        select account_no from d where shape_ok and is_own and account_no <> '' group by account_no having count(*) > 1
    )
)
select 'discharges' as file, row, 'account_no' as "column", 'D-KEY-REPEATED' as rule, account_no as value
from repeated
{% if has_both %}
union all
select 'discharges', row, 'total_charges', 'D-CHARGES-DIFFER', cast(total_charges as varchar)
from d
left join sums using (account_no)
where
    shape_ok and account_no <> '' and coalesce(unreadable, 0) = 0
    and abs(coalesce(charged, 0) - total_charges) > {{ tolerance }}
    and account_no not in (select account_no from credits where account_no is not null)
    and row not in (select row from repeated)
union all
select 'discharges', row, '', 'D-LINE-QUARANTINED', ''
from d
inner join sums using (account_no)
where broken_lines > 0 and account_no <> ''
{% endif %}
