-- What was found, with its cell redacted.
insert into findings
select file, row, "column", rule, coalesce({{ redacted }}, '') as value
from found
