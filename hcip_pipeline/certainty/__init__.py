"""How certain released payments are (methodology §14): computed from a release; no payment depends on it.

Belongs here: what a release would have paid for other cases, and comparing it. Does not belong here: other policies
(``simulation``), releasing anything.
"""
