"""Running a home from day to day: backfills, retention, and the Dagster UI.

Belongs here: what an operator sets up and starts. Does not belong here: what an asset does, or anything a result
depends on.
"""
