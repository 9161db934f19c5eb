"""Implementation protocols of hospitals: versions, and the tables of the lake that follow from them."""
