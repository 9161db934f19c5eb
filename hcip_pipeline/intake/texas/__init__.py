"""Texas's inpatient public use data file (PUDF): its quarters as tables of the lake."""
