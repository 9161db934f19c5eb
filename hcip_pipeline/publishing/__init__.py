"""Assembling a release: its tables, the documents rendered from them, and the same release made again.

Belongs here: which parts make a release, and in which order. Does not belong here: what is in one of them
(``release``, ``audit``, ``reports``).
"""
