"""Asset checks on intake and releases. Their metadata has counts and rule ids, never a row.

Belongs here: turning the content of a receipt or build into a check result. Does not belong here: the rules themselves
(``intake``, ``dbt_project``).
"""
