"""Bills as a hospital's submission (formats.md §2): X12 837 institutional, and the grouper's output next to them.

An adapter: it produces the cells of the tables ``discharges`` and ``charges``, which are then judged, stored and
accounted for like those of any other file (``intake.hospital``).

In processing order: ``file_names`` (which files are bills), ``envelope`` (separators, whether the file is complete, one
loop per line), ``segments`` (what each segment belongs to), ``claims`` (a bill's own facts), ``order`` (whether the
order of bills is known), ``stays`` (several bills of one account), ``grouping`` (facts that bills do not have),
``reading`` (all of these in order), ``places`` (file, segment and claim of a row). Everything after the envelope is SQL
over whole tables.
"""
