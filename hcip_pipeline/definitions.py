"""What Dagster loads (``workspace.yaml``)."""

from hcip_pipeline.assets.assembly import build_defs

defs = build_defs()
