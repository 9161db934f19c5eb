"""The seam to dbt, and the only writer of DuckDB files.

Belongs here: where the project is, what a build is given, running it in process.
Does not belong here: any rule of the methodology (``dbt_project``) or of what is accepted (``intake``).
"""
