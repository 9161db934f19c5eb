{#
  The exclusion rules of methodology §3 in their order, as (reason, condition on a row of int_cases). COST_OUTLIER is not
  among them: it is decided for a whole cell, after these (int_cost_outliers).
#}
{% macro exclusion_rules() -%}
    {{ return([
        ('NON_ACUTE_HOSPITAL', "not is_acute"),
        ('NEWBORN', "mdc = '15'"),
        ('PSYCHIATRIC', "mdc = '19'"),
        ('SUBSTANCE_USE', "mdc = '20'"),
        ('NORMAL_DELIVERY', "apr_drg = '560'"),
        ('REHABILITATION', "apr_drg = '860'"),
        ('UNGROUPABLE', "apr_drg is null or apr_drg in ('955', '956')"),
        ('DIED', "discharge_disposition = '20'"),
        ('LEFT_AGAINST_ADVICE', "discharge_disposition = '07'"),
        ('TRANSFERRED_OUT', "discharge_disposition in ('02', '05', '43', '66', '82', '85', '88', '94')"),
        ('HOSPICE', "discharge_disposition in ('50', '51')"),
        ('STILL_PATIENT', "discharge_disposition = '30'"),
        ('NON_POSITIVE_COST', "total_cost <= 0"),
        ('NO_RESPONSIBLE_PHYSICIAN', "npi is null"),
    ]) }}
{%- endmacro %}
