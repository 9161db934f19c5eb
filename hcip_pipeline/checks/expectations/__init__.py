"""Readable suites of expectations of incoming and outgoing files, evaluated by Great Expectations.

Belongs here: the suites (``suites``), their evaluation (``validation``), their page (``page``). Does not belong here:
rules that decide about rows (``rules.hospital``) or money (dbt tests, ``release.verification``).
"""
