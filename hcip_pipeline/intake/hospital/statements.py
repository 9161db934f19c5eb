"""The intake's SQL statements, each in its own file in ``sql/``.

Belongs here: reading them and filling in expressions from the rules and the files of a submission. Does not belong
here: any rule, and running a statement.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    loader = PackageLoader("hcip_pipeline.intake.hospital", "sql")
    return Environment(loader=loader, autoescape=False, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def statement(name: str, **parts: object) -> str:
    """The SQL of ``sql/<name>.sql``.

    Args:
        parts: expressions and lists that the file uses. None of them comes from a cell of a submission.
    """
    return _environment().get_template(f"{name}.sql").render(parts)
