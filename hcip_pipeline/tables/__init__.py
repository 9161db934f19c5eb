"""Reading tables that people send: cells, workbooks, declared columns, and the problems found in them.

Belongs here: what is the same for every table declared in ``contracts``, whoever sends it. Does not belong here: which
files exist and what is done with them (``intake``, ``reference``).
"""
