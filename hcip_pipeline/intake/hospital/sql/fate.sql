-- Accounts of the discharges: k numbers the kept ones in order and is null if the discharge is not kept.
create table rejected as
select row from d where broken
union
select row from found;
create table fate as
with decided as (
    select account_no, row not in (select row from rejected) as is_kept from d
),
ordered as (
    select account_no, is_kept, row_number() over (partition by is_kept order by account_no) as k from decided
)
select account_no, max(k) filter (is_kept) as k
from ordered
group by account_no
