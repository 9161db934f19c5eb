"""How sure a released payment is (methodology §14): computed from a release, and no payment reads it.

Belongs here: what a release would have paid for other cases, and how it is compared. Does not belong here: other
policies (``simulation``), releasing anything.
"""
