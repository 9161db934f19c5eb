"""The interface to dbt, and the only writer of DuckDB files.

Belongs here: locating the project, the input of a build, running it in process.
Does not belong here: any rule of the methodology (``dbt_project``) or of intake (``intake``).
"""
