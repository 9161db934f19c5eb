"""Studies: norms, opportunity and performance incentives for any window, on public or submitted data. Nothing is paid.

In the order of a study's steps: ``sparcs_study``, ``texas_study`` (both with ``state_study``) and ``window_study``
choose data and policy, ``plan`` describes the study before its build, ``result`` builds it, ``figures`` reads the
finished build, ``outputs`` writes the files (with ``page``) and ``summary`` prints to the console. The methodology is
in the dbt project: the same models as for a performance period.
"""
