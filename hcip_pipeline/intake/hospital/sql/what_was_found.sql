-- Which kinds of fault exist at all: most submissions have none, and nothing more is read.
select
    exists(from found),
    exists(from d where broken),
    {% if has_both %}
    exists(from c where broken),
    exists(from sums anti join fate using (account_no)),
    exists(from fate where k is null)
    {% else %}
    false, false, false
    {% endif %}
