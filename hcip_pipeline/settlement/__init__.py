"""Settles a performance period: what the lake has for it, whether that is enough, and the build made from it.

Belongs here: assembling a build from the lake. Does not belong here: ingesting files (``intake``), computing
(``dbt_project``), writing a release (``release``).
"""
