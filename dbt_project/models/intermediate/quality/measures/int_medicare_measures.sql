-- The Medicare measures of a hospital or hospital area, both windows side by side, with 95% limits.
{{ measures_by_level(ref('int_medicare_counts'), ref('int_quality_state')) }}
