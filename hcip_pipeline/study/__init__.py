"""Studies: norms, opportunity and performance incentives for any window, on public or submitted data. Nothing is paid.

In the order a study goes: ``sparcs_study``, ``texas_study`` (with ``state_study``, which they share) and
``window_study`` (what is built, from which data and under which policy), ``plan`` (the study before its build),
``result`` (the build and after), ``figures`` (what is read from the finished build), ``outputs`` (files, with ``page``)
and ``summary`` (the console). The methodology is in the dbt project: the same models as a performance period's.
"""
