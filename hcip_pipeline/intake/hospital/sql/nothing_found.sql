-- Of charge lines alone no discharge is decided.
create table fate (account_no varchar, k bigint);
create table found (file varchar, row bigint, "column" varchar, rule varchar, value varchar)
