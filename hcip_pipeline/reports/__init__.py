"""Reports for people who look rather than read: physicians, oversight committees, the administrator.

Belongs here: pages, workbooks and forms, each a pure function of what a release holds. Does not belong here: any figure
that is not in a table of the release, and where a document lies (``release.documents``).
"""
