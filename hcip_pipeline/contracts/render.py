"""Files that follow from the contracts: dbt YAML and key tests, the data dictionary. ``make contracts`` writes them.

Belongs here: rendering. Does not belong here: a declaration; a test compares the files with what is rendered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from hcip_pipeline.contracts.catalogue import LAKE_SOURCES, SECTIONS
from hcip_pipeline.contracts.disclosure import Count, Harmless, Reveals
from hcip_pipeline.contracts.keys import key_of
from hcip_pipeline.contracts.marts import MARTS
from hcip_pipeline.contracts.table import TYPES, Column, Table

_ROOT = Path(__file__).resolve().parents[2]
#: of a ratio that is written in full
_ALL_PLACES = 8
_GENERATED = "# Generated from hcip_pipeline/contracts by `make contracts`; a test compares the two.\n"


def _yaml(content: dict[str, Any]) -> str:
    return _GENERATED + yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)


def sources_yaml() -> str:
    """``models/staging/_sources.yml``: one source a table of the lake."""
    tables = [
        {
            "name": name,
            "description": table.grain,
            "columns": [
                {"name": c.name, "description": c.meaning, "data_type": c.sql_type, "quote": c.name == "group"}
                for c in table.columns
            ],
        }
        for name, table in LAKE_SOURCES.items()
    ]
    return _yaml({"version": 2, "sources": [{"name": "lake", "schema": "lake", "tables": tables}]})


def _mart_column(column: Column) -> dict[str, Any]:
    constraints: list[dict[str, str]] = []
    if not column.nullable:
        constraints.append({"type": "not_null"})
    if column.allowed:
        values = ", ".join(f"'{value}'" for value in column.allowed)
        constraints.append({"type": "check", "expression": f"{column.name} in ({values})"})
    entry: dict[str, Any] = {"name": column.name, "description": column.meaning, "data_type": column.sql_type}
    if constraints:
        entry["constraints"] = constraints
    return entry


def marts_yaml(tables: tuple[Table, ...]) -> str:
    """``models/marts/<folder>/_contracts.yml``: contracts (types, nullability, allowed values); the key as a test."""
    models = [
        {
            "name": table.name,
            "description": table.grain,
            "config": {"contract": {"enforced": True}},
            "data_tests": [{"unique_key": {"arguments": {"columns": list(table.key)}}}],
            "columns": [_mart_column(column) for column in table.columns],
        }
        for table in tables
    ]
    return _yaml({"version": 2, "models": models})


def _key_query(model: str, key: tuple[str, ...]) -> str:
    columns, table = ", ".join(key), f"{{{{ ref('{model}') }}}}"
    grouped = f" group by {columns}" if key else ""
    return (
        f"select '{model}' as model, '{columns}' as model_key, count(*) as repeated_keys\n"
        f"from (select count(*) as copies from {table}{grouped} having count(*) > 1) as repeated\n"
        "having count(*) > 0\n"
    )


def key_tests() -> dict[Path, str]:
    """A dbt test of each folder of staging and intermediate models: every key names one row."""
    models = _ROOT / "dbt_project/models"
    found = {}
    for layer in ("staging", "intermediate"):
        for folder in sorted(path for path in (models / layer).iterdir() if path.is_dir()):
            keys = {path.stem: key_of(path.stem) for path in sorted(folder.rglob("*.sql"))}
            queries = [_key_query(model, key) for model, key in keys.items() if key is not None]
            if queries:
                why = "-- Why: a row that is there twice is counted or paid twice. Generated from contracts/keys.py.\n"
                file = Path("dbt_project/tests") / f"keys_of_{layer}_{folder.name}.sql"
                found[file] = why + "union all\n".join(queries)
    return found


#: section -> what a reader must know before its tables
_NOTES = {
    "Handed on, with small counts hidden": (
        "A hidden value is an empty cell that the column `suppressed` of its row names; any other empty cell has "
        "no value. The last column below states when each is hidden. How much stays unknown: "
        "[releases.md](releases.md#what-is-hidden).",
        "",
    ),
}


def _hidden(column: Column) -> str:
    """When a column of a public table is hidden, and why: in words."""
    match column.disclosure:
        case Count():
            return "a count: when small, or when a small one would follow from it"
        case Reveals() as made:
            words = f"with {', '.join(f'`{count}`' for count in made.counts)}"
            if made.over:
                words += "; rounded: one event more or less moves the last digit"
            elif made.most_digits < _ALL_PLACES:
                words += f"; rounded to {made.most_digits} places"
            return words
        case Harmless() as harmless:
            return f"never: {harmless.reason}"
        case _:
            return ""


def data_dictionary() -> str:
    """``docs/data_dictionary.md``."""
    lines = ["# Data dictionary", "", "<!-- Generated from hcip_pipeline/contracts by `make contracts`. -->", ""]
    for section, tables in SECTIONS.items():
        lines += [f"## {section}", "", *_NOTES.get(section, ())]
        for table in tables:
            lines += [f"### {table.name}", "", f"{table.grain[:1].upper()}{table.grain[1:]}.", ""]
            is_public = any(column.disclosure for column in table.columns)
            lines += (
                ["| column | type | | meaning | hidden |", "|---|---|---|---|---|"]
                if is_public
                else [
                    "| column | type | | meaning |",
                    "|---|---|---|---|",
                ]
            )
            for c in table.columns:
                marks = ["key"] if c.key else []
                marks += ["optional column"] if c.optional else []
                marks += ["may be empty"] if c.nullable else []
                meaning = c.meaning.replace("|", "\\|")
                if c.allowed:
                    meaning += f" ({', '.join(c.allowed)})"
                if c.bounds:
                    meaning += f"; {c.bounds[0]} to {c.bounds[1]}"
                if c.max_length:
                    meaning += f"; at most {c.max_length} characters"
                hidden = f" {_hidden(c)} |" if is_public else ""
                lines.append(f"| `{c.name}` | {TYPES[c.type][2]} | {', '.join(marks)} | {meaning} |{hidden}")
            lines.append("")
    return "\n".join(lines)


def rendered() -> dict[Path, str]:
    """Every generated file (path below the checkout) with its text."""
    models = Path("dbt_project/models")
    return {
        models / "staging/_sources.yml": sources_yaml(),
        **{models / f"marts/{folder}/_contracts.yml": marts_yaml(tables) for folder, tables in MARTS.items()},
        **key_tests(),
        Path("docs/data_dictionary.md"): data_dictionary(),
    }


def main() -> None:
    """Write every generated file."""
    for path, text in rendered().items():
        (_ROOT / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
