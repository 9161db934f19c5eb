"""Hospital submissions (inputs.md, "Hospital submission" and "Edits"): found, judged, kept in the lake, accounted for.

In the order a submission meets them: ``folders`` (which folders are there), ``file_scan`` (what bytes a file is made
of), ``reading`` (cells as text), ``edits`` (the checks as SQL) and ``rules`` (each with its severity and fix),
``judging`` (the verdict), ``ingest`` (the lake), ``receipts`` (the account of it), ``preflight`` (the same verdict
without a home) and ``quality_of_data`` (rates by rule for the people who correct the data).
"""
