-- Why: a code other than original, cancellation, adjustment has no sign that CMS defines.
select part, claim_id
from {{ ref('int_claim_versions') }}
where adjustment_type_code is null or adjustment_type_code not in ('0', '1', '2')
