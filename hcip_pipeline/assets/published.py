"""The published assets as data: groups from left to right, and which dbt models each asset computes.

Belongs here: reading ``published.yaml`` and comparing it with the dbt project. Does not belong here: how an asset
appears in Dagster (``translator``).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True)
class PublishedAsset:
    """An asset of the lineage page.

    Attributes:
        what: a one-sentence description.
        models: the dbt models it computes, its own table first; empty for an asset computed in Python.
    """

    name: str
    group: str
    what: str = ""
    models: tuple[str, ...] = ()


@cache
def published() -> dict[str, PublishedAsset]:
    """Every asset by name, in the order of the lineage."""
    text = resources.files("hcip_pipeline.assets").joinpath("published.yaml").read_text(encoding="utf-8")
    return {
        name: PublishedAsset(name, group, content.get("what", ""), tuple(content.get("models", ())))
        for group, assets in yaml.safe_load(text).items()
        for name, content in assets.items()
    }


def groups() -> list[str]:
    """Every group, in the order of the lineage."""
    return list(dict.fromkeys(asset.group for asset in published().values()))


def owners(models: Iterable[str]) -> dict[str, PublishedAsset]:
    """Model -> the asset it belongs to.

    Args:
        models: every model of the project.

    Raises:
        ValueError: a model belongs to no asset or to two, or an asset names a model that does not exist.
    """
    found: dict[str, PublishedAsset] = {}
    for asset in published().values():
        for model in asset.models:
            if model in found:
                raise ValueError(f"published.yaml: {model} belongs to {found[model].name} and to {asset.name}")
            found[model] = asset
    existing = set(models)
    if missing := sorted(existing - found.keys()):
        raise ValueError(f"published.yaml: name the asset that computes {', '.join(missing)}")
    if unknown := sorted(found.keys() - existing):
        raise ValueError(f"published.yaml: the dbt project has no model {', '.join(unknown)}")
    return found
