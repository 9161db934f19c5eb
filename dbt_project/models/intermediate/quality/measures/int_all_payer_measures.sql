-- The all-payer measures of a hospital and its parts, both windows side by side, with 95% limits.
{{ measures_by_level(ref('int_all_payer_counts'), ref('int_quality_state')) }}
