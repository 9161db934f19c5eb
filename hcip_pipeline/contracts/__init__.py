"""Every table's columns, declared once: name, type, unit, key and meaning.

Belongs here: declarations, and what follows from them (pandera schemas, dbt YAML, the data dictionary).
Does not belong here: rules that compare rows or tables; those are edits (``intake``) or dbt tests.
"""
