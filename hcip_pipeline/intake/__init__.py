"""Everything that is received, with receipts: hospital submissions, Medicare claims, program files, protocols, surveys,
public files of states.

Belongs here: reading and judging files, and storing what is accepted in the lake. Does not belong here: what applies to
any table (``tables``), rules (``rules``), code tables and rates (``reference``).
"""
