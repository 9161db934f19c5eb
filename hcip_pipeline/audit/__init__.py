"""The audit report of each payment cycle: whether what was paid is what was released, and what must be made good.

Belongs here: comparing a release with what hospitals report of payments, with earlier releases, and with the
program's rules for committees and conditions. Does not belong here: the payments themselves, and recomputing them
(``release.verification``).
"""
