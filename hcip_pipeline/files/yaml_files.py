"""YAML as this program reads it: numbers exact, keys unique, errors with file and line."""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import YAML, NotReceivedError, read_file

T = TypeVar("T", bound=BaseModel)

#: The most wrong keys that one message lists.
_LISTED = 20

#: libyaml reads a protocol in a tenth of the time; without it, Python's loader gives the same result
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 50
#: Digits of a number, before or after the decimal point.
_MAX_DIGITS = 30
#: YAML tags as messages name them
_WORDS = {"timestamp": "a date", "float": "a number", "int": "a whole number", "bool": "true or false"}
#: raised by constructors for a value that does not fit its tag
_UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, ArithmeticError)


class _Loader(_FAST):
    """Safe; floats become ``Decimal``, exactly as written; repeated keys and keys that are not words are refused."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _UNREADABLE as error:  # a value that does not fit its tag, such as !!timestamp x
            shown = ascii(node.value)[:60] if isinstance(node, yaml.ScalarNode) else "the value"
            tag = str(node.tag).rpartition(":")[2]
            reason = f": {error}" if tag == "timestamp" and isinstance(error, ValueError) else ""
            message = f"{shown} is not {_WORDS.get(tag, ascii(tag)[:20])}{reason}"
            raise yaml.constructor.ConstructorError(None, None, message, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or a mapping; it must be a word", key_node.start_mark
                )
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {ascii(str(key))[:60]} appears twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal:
    number = Decimal(str(loader.construct_scalar(node)).replace("_", ""))
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS or len(number.as_tuple().digits) > _MAX_DIGITS:
        raise ValueError("not a number that a policy or protocol can hold")
    return number


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def load_yaml(path: Path, what: str, *, within: Path | None = None, links: bool = True) -> dict[str, Any]:
    """The mapping in a YAML file.

    Args:
        within, links: as in :func:`hcip_pipeline.files.received.require_file`.

    Raises:
        HcipError: the file is absent, not a regular file, too large, not UTF-8, not YAML, or not a mapping; the message
            names the line.
    """
    return parse_yaml(read_yaml_text(path, what, within=within, links=links), path, what)


def read_yaml_text(path: Path, what: str, *, within: Path | None = None, links: bool = True) -> str:
    """The text of a YAML file; every line ends with ``\\n``. Arguments and errors as :func:`load_yaml`."""
    try:
        raw = read_file(path, YAML, within=within, links=links)
        text = raw.decode("utf-8-sig")
    except NotReceivedError as error:
        if error.rule == "FILE-ABSENT":
            raise HcipError(f"there is no {what} here", file=path, fix=f"write the {what} to this path") from error
        raise
    except UnicodeDecodeError as error:
        row = 1 + raw.count(b"\n", 0, error.start)
        raise HcipError("is not UTF-8 text", file=path, row=row, fix="save the file as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_yaml(text: str, path: Path, what: str) -> dict[str, Any]:
    """The mapping in ``text``, which was read from ``path``.

    Raises:
        HcipError: not YAML, or not a mapping; the message names the line.
    """
    try:
        _check_depth(text, path, what)
        content = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise HcipError(
            f"is not valid YAML: {error.problem}",
            file=path,
            row=mark.line + 1 if mark else None,
            fix="correct that line",
        ) from error
    except yaml.reader.ReaderError as error:  # a character that YAML forbids
        row = 1 + text.count("\n", 0, error.position) if isinstance(error.position, int) else None
        raise HcipError(
            "is not valid YAML: it contains a control character", file=path, row=row, fix="remove the character"
        ) from error
    except (yaml.YAMLError, *_UNREADABLE, RecursionError) as error:
        raise HcipError("is not valid YAML", file=path, fix="correct the file") from error
    if not isinstance(content, dict):
        raise HcipError(f"contains no {what}: a mapping of keys to values is expected", file=path, fix="see the README")
    return content


def _check_depth(text: str, path: Path, what: str) -> None:
    """Refuse nesting so deep that libyaml, which recurses, would crash the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_FAST):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                raise HcipError(
                    f"is nested deeper than {_MAX_DEPTH} levels",
                    file=path,
                    row=event.start_mark.line + 1 if event.start_mark else None,
                    fix="correct that line",
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
            key = ".".join(ascii(str(part))[1:-1][:60] for part in issue["loc"])
            if issue["type"] == "extra_forbidden":
                problems.append(f"{key}: unknown key")
            elif issue["type"] == "missing":
                problems.append(f"{key}: missing, and it has no default")
            else:
                problems.append(f"{key or what}: {issue['msg'].removeprefix('Value error, ')}")
        known = ", ".join(model.model_fields)
        more = f"; and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        raise HcipError(
            f"the {what} is refused: " + "; ".join(problems[:_LISTED]) + more, file=path, fix=f"the keys are: {known}"
        ) from error
