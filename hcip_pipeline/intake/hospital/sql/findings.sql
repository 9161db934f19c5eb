-- All findings, with redacted cells.
insert into findings
select file, row, "column", rule, coalesce({{ redacted }}, '') as value
from found
