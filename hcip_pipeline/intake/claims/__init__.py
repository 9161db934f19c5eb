"""Medicare claims in either shape, CCLF or BCDA: a month's deliveries, the preflight, and the tables of the lake."""
