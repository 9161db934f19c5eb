"""What a region needs to begin: a new home to fill, and documentation pages generated from the declarations.

Belongs here: presenting what contracts, rules and the policy declare to people who send files. Does not belong here:
rules. Only commands import this package.
"""
