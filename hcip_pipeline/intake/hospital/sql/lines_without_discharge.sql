-- Charge lines whose account has no discharge.
insert into found
select 'charges', row, 'account_no', 'C-NO-DISCHARGE', account_no
from c
where account_no <> '' and account_no in (select account_no from sums anti join fate using (account_no))
