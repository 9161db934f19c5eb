"""Code tables and rates: the shipped defaults that are public facts, and what the inbox puts in their place."""
