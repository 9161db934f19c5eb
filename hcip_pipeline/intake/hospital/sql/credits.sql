-- Accounts and revenue codes whose lines, netted with their credits, total less than zero.
create table credits as
select account_no, revenue_code
from c
where account_no in (select account_no from c where charge < 0) and revenue_code is not null
group by all
having sum(charge) < 0
