"""Reports for physicians, oversight committees, Program Coordinators and the administrator.

Belongs here: pages, workbooks and forms, each a pure function of a release's content. Does not belong here: any figure
that is not in a table of the release, and writing documents (``release.documents``).
"""
