-- Valid charge lines of quarantined discharges.
insert into found
select 'charges', row, '', 'C-DISCHARGE-QUARANTINED', ''
from c
where account_no <> '' and not broken and account_no in (select account_no from fate where k is null)
