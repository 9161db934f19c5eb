"""Running a home from day to day: its settings, alerts, backfills, and the Dagster UI.

Belongs here: what an operator sets up and starts. Does not belong here: what an asset does, and anything a result
depends on.
"""
