"""Medicare claims from CMS's Beneficiary Claims Data API (BCDA v3, FHIR), read into the same tables as CCLF.

Belongs here: exports and their manifests, ndjson, the element of a resource for each CCLF field. Does not belong here:
which claims are final, and anything derived from claims (``dbt_project/models/intermediate/claims``).
"""
