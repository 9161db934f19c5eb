"""A home folder: its paths, locks, seals and records, and how damaged disks and files are reported.

Belongs here: what every part of the program needs to know about the home it works in. Does not belong here: the
contents of any one folder (``intake``, ``release``, ``ledger``).
"""
