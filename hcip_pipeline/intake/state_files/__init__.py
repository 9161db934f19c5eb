"""What the public discharge files of states share: layouts as data, edits, and tables of the lake as Parquet.

In the order a file goes: ``layouts`` (which layout a file has, by record length or header), ``lines`` (its cells),
``edits`` (which rows are accepted), ``reading`` (all of these for the files of a delivery, counted), ``lake_tables``
(what a study gets). Each state adds a layout file, its rules (``rules``) and a page of code: what each cell means
(``sparcs``, ``texas``). Does not belong here: any one state.
"""
