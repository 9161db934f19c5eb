"""HCIP settlement pipeline: from hospital discharges and Medicare claims to released incentive files."""

__version__ = "0.2.0"
