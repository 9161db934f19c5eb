"""Files as bytes: opening files that others sent, hashing, atomic writes, YAML, scratch folders.

Belongs here: what holds for any file, whatever is in it. Does not belong here: tables (``tables``), and where a file
lies in a home (``home``).
"""
