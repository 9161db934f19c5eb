"""An error that a helper process raises arrives whole: its message, place and fix are those of the process."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hcip_pipeline
from hcip_pipeline.errors import HcipError, PartitionsFailedError
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.refusals import TableRefusedError
from hcip_pipeline.warehouse.build import ModelError, NodeResult


def _error_classes() -> Iterator[type[HcipError]]:
    for module in pkgutil.walk_packages(hcip_pipeline.__path__, "hcip_pipeline."):
        path = Path(module.module_finder.path) / f"{module.name.rsplit('.', 1)[1]}.py"  # type: ignore[union-attr]
        if path.is_file() and "Error(HcipError)" in path.read_text(encoding="utf-8"):
            for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(found, HcipError) and found.__module__ == module.name:
                    yield found


def test_every_error_with_arguments_of_its_own_states_how_it_is_sent() -> None:
    classes = set(_error_classes())
    assert len(classes) > 4
    own = {found for found in classes if "__init__" in vars(found) and found is not HcipError}
    assert TableRefusedError in own
    assert {found.__name__ for found in own if "__reduce__" not in vars(found)} == set()


def test_a_refused_table_arrives_whole() -> None:
    problems = [Problem("FILE-ABSENT", f"problem {row}", row, "amount") for row in (2, 3)]
    error = TableRefusedError(Path("per_diem.csv"), problems, Counter({"FILE-ABSENT": 2}))
    sent = pickle.loads(pickle.dumps(error))
    assert (str(sent), sent.problems, sent.counts) == (str(error), error.problems, error.counts)


def test_a_stopped_build_arrives_whole() -> None:
    nodes = (NodeResult("model.hcip.cases", "error", 0.1, 0, "no such column"),)
    error = ModelError(nodes, "a model failed", file="cases.sql", rule="RELEASE-GATE", fix="correct the model")
    sent = pickle.loads(pickle.dumps(error))
    assert (type(sent), str(sent), sent.nodes) == (ModelError, str(error), nodes)


def test_partitions_that_failed_arrive_whole() -> None:
    error = PartitionsFailedError({"2025Q1": HcipError("it is empty", file="a.csv", rule="FILE-EMPTY", fix="send it")})
    sent = pickle.loads(pickle.dumps(error))
    assert (str(sent), str(sent.problems["2025Q1"])) == (str(error), str(error.problems["2025Q1"]))
