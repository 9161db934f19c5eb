"""The limits that the edits of a submission use (inputs.md, "Edits")."""

from __future__ import annotations

#: More ERROR rows than this share of a file's rows refuse the submission (inputs.md, "Edits").
MAX_ERROR_SHARE = (1, 100)
#: |Σ charge lines − total_charges| may be this many dollars.
CHARGES_TOLERANCE = 1
#: A larger change of volume from the same quarter a year earlier is reported.
MAX_VOLUME_CHANGE = (20, 100)
MAX_NPI_MISSING = (2, 100)
MAX_UNMAPPED = (1, 100)
#: If more than this share of lines or dollars has no rate center, components and cost centers are meaningless.
MOST_UNMAPPED = (20, 100)
MAX_PATIENT_ID_MISSING = (1, 100)
MAX_AGE_YEARS = 120
MAX_STAY_DAYS = 365
COST_TO_CHARGE_BOUNDS = ("0.1", "1.5")
#: Maximum length of text if the contract sets none.
MAX_TEXT = 4000
#: The total line of a bill, which is never added.
TOTAL_REVENUE_CODE = "0001"
#: APR-DRGs that mean "could not be grouped": such a case needs no severity.
UNGROUPABLE = ("955", "956")


def exceeds(part: int, whole: int, share: tuple[int, int]) -> bool:
    """``part / whole > share``, computed in whole numbers."""
    return part * share[1] > whole * share[0]
