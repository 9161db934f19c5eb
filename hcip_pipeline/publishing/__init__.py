"""Assembling a release from its tables and documents, reproducing a release, and copying releases to object storage.

Belongs here: the parts of a release and their order. Does not belong here: the content of a part (``release``,
``audit``, ``reports``).
"""
