"""Bills as a hospital's submission (formats.md §2): X12 837 institutional, and the grouper's output next to them.

An adapter: what it gives are the cells of the tables ``discharges`` and ``charges``, which are then judged, kept and
accounted for as those of any other file (``intake.hospital``).

In the order a file meets them: ``file_names`` (which files are bills), ``envelope`` (separators, whether the file is
whole, one segment a line), ``segments`` (what each segment belongs to), ``claims`` (a bill's own facts), ``order``
(whether the order of bills is known), ``stays`` (several bills of one account), ``grouping`` (what no bill holds),
``reading`` (all of it in order), ``places`` (file, segment and claim of a row). Everything after the envelope is SQL
over whole tables.
"""
