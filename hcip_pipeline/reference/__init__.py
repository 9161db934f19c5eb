"""Code tables and rates: the shipped defaults, which are public facts, and the inbox files that replace them."""
