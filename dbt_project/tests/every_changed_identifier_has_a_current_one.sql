-- Why: a chain without an end would leave a person's claims under two numbers, and their cancellations unmatched.
select links.previous_mbi
from {{ ref('int_identifier_links') }} as links
left join {{ ref('int_current_identifiers') }} as identifiers on links.previous_mbi = identifiers.mbi
where identifiers.mbi is null
