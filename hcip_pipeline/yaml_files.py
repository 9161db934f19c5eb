"""YAML as this program reads it: numbers exact, keys unique, errors with file and line."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hcip_pipeline.errors import HcipError

T = TypeVar("T", bound=BaseModel)

#: libyaml reads a protocol in a tenth of the time; a platform without it gets the same from Python
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50


class _Loader(_FAST):
    """Safe, with floats as ``Decimal`` (their text, exactly) and repeated keys refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def load_yaml(path: Path, what: str) -> dict[str, Any]:
    """The mapping a YAML file holds.

    Raises:
        HcipError: the file is absent, not UTF-8, not YAML, or not a mapping; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise HcipError(f"there is no {what} here", file=path, fix=f"write the {what} to this path") from error
    except UnicodeDecodeError as error:
        raise HcipError("is not UTF-8 text", file=path, fix="save the file as UTF-8") from error
    return parse_yaml(text, path, what)


def parse_yaml(text: str, path: Path, what: str) -> dict[str, Any]:
    """The mapping that ``text`` holds; ``path`` is where it was found.

    Raises:
        HcipError: not YAML, or not a mapping; the message names the line.
    """
    try:
        _check_depth(text, path, what)
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise HcipError(
            f"is not valid YAML: {error.problem}", file=path, row=mark.line + 1 if mark else None, fix="mend that line"
        ) from error
    except (yaml.YAMLError, ArithmeticError, ValueError) as error:
        raise HcipError(f"is not valid YAML: {error}", file=path, fix="mend the file") from error
    if not isinstance(content, dict):
        raise HcipError(f"holds no {what}: a mapping of keys to values is expected", file=path, fix="see the README")
    return content


def _check_depth(text: str, path: Path, what: str) -> None:
    """Refuse what is nested so deeply that libyaml, which composes by recursion, would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_FAST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise HcipError(
                    f"is nested deeper than {_MAX_DEPTH} levels: no {what} is",
                    file=path,
                    row=event.start_mark.line + 1 if event.start_mark else None,
                    fix="mend that line",
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def validate_yaml(model: type[T], content: dict[str, Any], path: Path, what: str) -> T:
    """``content`` as ``model``, or one error that lists every key that is wrong."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = []
        for issue in error.errors():
            key = ".".join(str(part) for part in issue["loc"])
            if issue["type"] == "extra_forbidden":
                problems.append(f"{key}: unknown key")
            elif issue["type"] == "missing":
                problems.append(f"{key}: missing, and it has no default")
            else:
                problems.append(f"{key or what}: {issue['msg'].removeprefix('Value error, ')}")
        known = ", ".join(model.model_fields)
        raise HcipError(
            f"the {what} is refused: " + "; ".join(problems), file=path, fix=f"the keys are: {known}"
        ) from error
