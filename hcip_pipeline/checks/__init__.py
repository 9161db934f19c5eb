"""What must hold, as Dagster asset checks: counts and rule ids only, never a row.

Belongs here: turning what a receipt or a build states into a check result. Does not belong here: the rules themselves
(``intake``, ``dbt_project``).
"""
