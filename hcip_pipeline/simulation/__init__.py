"""A settled period under other policies, side by side: payments under each policy, and who gains and who loses.

Belongs here: scenarios, and computing them from the period's warehouse. Does not belong here: releasing anything; no
one is paid by a simulation.
"""
