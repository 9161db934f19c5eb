"""Hospital submissions (inputs.md, "Hospital submission" and "Edits"): finding, judging and storing them.

In processing order: ``folders`` (which folders exist), ``file_scan`` (a file's bytes), ``reading`` (cells as text),
``edits`` (the checks as SQL; severities and fixes are in ``rules.hospital``), ``judging`` (the verdict), ``ingest``
(the lake), ``receipts`` (the record of it), ``preflight`` (the same verdict without a home) and ``quality_of_data``
(rates by rule for the people who correct the data).
"""
