-- Mark discharges with an unknown code as broken.
update d set broken = true
where
    shape_ok
    and (
        coalesce({{ drg_code }} in {{ unknown_drgs }}, false)
        or coalesce(grouper_version in {{ unknown_groupers }}, false)
        or coalesce(discharge_disposition, '') in {{ unknown_dispositions }}
    )
