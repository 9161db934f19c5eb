"""Code that the public discharge files of all states share: layouts as data, edits, and tables of the lake as Parquet.

In processing order: ``layouts`` (the layout of a file, by record length or header), ``lines`` (its cells), ``edits``
(which rows are accepted), ``reading`` (all of these for the files of a delivery, with counts), ``lake_tables`` (the
tables that a study gets). Each state adds a layout file, its rules (``rules``) and a page of code with the meaning of
each cell (``sparcs``, ``texas``). Does not belong here: code for a single state.
"""
