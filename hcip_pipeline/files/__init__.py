"""Files as bytes: opening files that others sent, hashing, atomic writes, YAML, scratch folders.

Belongs here: everything that applies to any file, regardless of its content. Does not belong here: tables
(``tables``), and the place of a file in a home (``home``).
"""
