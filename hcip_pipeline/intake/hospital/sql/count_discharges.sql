-- Discharges and their dollars by outcome, and the rows of each warning.
select
    count(*),
    count(*) filter (kept),
    coalesce(sum(total_charges), 0),
    coalesce(sum(total_charges) filter (kept), 0),
    coalesce(sum(total_charges) filter (not kept), 0),
    count(*) filter (shape_ok and (attending_npi is null or (is_surgical and operating_npi is null))),
    count(*) filter (shape_ok and patient_id is null),
    {% for _ in warnings %}
    count(*) filter (w{{ loop.index0 }}), min(row, {{ listed }}) filter (w{{ loop.index0 }}){{ "," if not loop.last }}
    {% endfor %}
from (
    select
        *,
        {% for warning in warnings %}
        {{ warning }} as w{{ loop.index0 }}{{ "," if not loop.last }}
        {% endfor %}
    from (
        select
            d.*,
            cost,
            row not in (select row from rejected) as kept,
            coalesce({{ drg_code }} in (select code from codes_met where kind = 'drg' and is_surgical), false) as is_surgical
        from d
        left join sums using (account_no)
    )
)
