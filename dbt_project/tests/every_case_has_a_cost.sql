-- Why: a hospital without a cost factor would otherwise drop out of norms and savings without a word.
select
    hospital_ccn,
    account_no
from {{ ref('int_cases') }}
where total_cost is null
