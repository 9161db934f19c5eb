"""Thin Dagster assets, one module per group, and how they are run.

Belongs here: asset definitions, partitions, jobs, schedules, resources, execution in process; ``registry`` is the map.
Does not belong here: what an asset does (``intake``, ``reference``, ``settlement``, ``publishing``).
"""
