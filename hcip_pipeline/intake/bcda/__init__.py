"""Medicare claims as CMS's Beneficiary Claims Data API exports them, FHIR v3: an adapter into the tables CCLF fills.

Belongs here: exports and their manifests, ndjson, which element of a resource each CCLF field is. Does not belong here:
which claims are final, and anything derived from claims (``dbt_project/models/intermediate/claims``).
"""
