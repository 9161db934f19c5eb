"""What a region needs to begin: a home to fill, and pages that follow from the declarations.

Belongs here: laying out what contracts, rules and the policy declare, for people who send files. Does not belong here:
any rule of its own. Only commands import this package.
"""
