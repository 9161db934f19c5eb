-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.
select 'int_care_partners' as model, 'hospital_ccn, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_care_partners') }} group by hospital_ccn, npi having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_partner_cases' as model, 'window_name, hospital_ccn, account_no' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_partner_cases') }} group by window_name, hospital_ccn, account_no having count(*) > 1) as repeated
having count(*) > 0
union all
select 'int_valid_physicians' as model, 'identifier_type, npi' as model_key, count(*) as repeated_keys
from (select count(*) as copies from {{ ref('int_valid_physicians') }} group by identifier_type, npi having count(*) > 1) as repeated
having count(*) > 0
