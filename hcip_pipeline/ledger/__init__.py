"""The home's ledger: a line for everything that was accepted, frozen, released or destroyed, each bound to the last.

``lines`` is the file, ``leaves`` what a line covers, ``recording`` who appends when, ``comparison`` the home against
its ledger, ``signing`` signatures in OpenSSH's format. ``docs/audit_trail.md`` explains what this proves and what not.
"""
