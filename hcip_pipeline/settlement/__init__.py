"""Settling a performance period: what the lake holds for it, whether that is enough, and the build it makes.

Belongs here: assembling a build from the lake. Does not belong here: ingesting files (``intake``), computing
(``dbt_project``), writing a release (``release``).
"""
