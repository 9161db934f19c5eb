"""Implementation protocols of hospitals: their versions, and the tables of the lake that are made from them."""
