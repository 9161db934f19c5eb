"""Alerts about failed runs and held payments, and the settings that say where they go.

Belongs here: what an alert contains and how it is delivered. Does not belong here: when one is sent (``assets``).
"""
