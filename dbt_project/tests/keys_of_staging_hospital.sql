-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'stg_discharges' as model, 'hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_discharges') }} group by hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_quarter_receipts' as model, 'hospital_ccn, quarter' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_quarter_receipts') }} group by hospital_ccn, quarter having count(*) > 1) as repeated
having count(*) > 0
union all
select 'stg_receipts' as model, 'hospital_ccn' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('stg_receipts') }} group by hospital_ccn having count(*) > 1) as repeated
having count(*) > 0
