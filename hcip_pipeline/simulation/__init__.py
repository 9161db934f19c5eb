"""A settled period under other policies, side by side: what would have been paid, who gains and who loses.

Belongs here: scenarios, and computing them from the period's warehouse. Does not belong here: releasing anything; a
simulation pays no one.
"""
