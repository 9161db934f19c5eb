-- With only charge lines there are no discharges to decide on.
create table fate (account_no varchar, k bigint);
create table found (file varchar, row bigint, "column" varchar, rule varchar, value varchar)
