"""Reading tables that people send: cells, workbooks, declared columns, and the problems found in them.

Belongs here: what is the same for every table that is declared in ``contracts``, whatever its sender. Does not belong
here: which files there are and what is done with them (``intake``, ``reference``).
"""
