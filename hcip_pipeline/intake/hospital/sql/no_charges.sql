-- Without a charges file there are no sums and no credits.
create table sums (
    account_no varchar, lines bigint, broken_lines bigint, unreadable bigint, charged decimal(38, 2), cost decimal(38, 10)
);
create table credits (account_no varchar, revenue_code varchar)
