"""Suites of expectations that people read about files that come in and files that go out, evaluated by Great
Expectations.

Belongs here: the suites in words (``suites``), their evaluation (``validation``), their page (``page``). Does not
belong here: rules that decide about rows (``rules.hospital``) or money (dbt tests, ``release.verification``).
"""
