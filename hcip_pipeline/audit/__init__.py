"""The audit report of each payment cycle: whether payments match the release, and what must be corrected.

Belongs here: comparing a release with the payments that hospitals report, with earlier releases, and with the
program's rules for committees and conditions. Does not belong here: the payments themselves, and recomputing them
(``release.verification``).
"""
