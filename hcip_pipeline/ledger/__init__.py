"""The home's ledger: one line for everything accepted, frozen, released or destroyed, each chained to the previous one.

``lines`` is the file, ``leaves`` the files that a line covers, ``recording`` when lines are appended, ``comparison``
the home against its ledger, ``signing`` signatures in OpenSSH's format. ``docs/audit_trail.md`` explains what the
ledger proves and what it does not.
"""
