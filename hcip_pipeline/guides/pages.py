"""``docs/inbox.md``, ``docs/rules.md`` and ``docs/policy.md``, from what contracts, rules and the policy declare.

Belongs here: the data of a page; its text is in ``data/*.md.j2``. Does not belong here: what a file or key means.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import jinja2

from hcip_pipeline.contracts.table import TYPES, Table
from hcip_pipeline.guides.examples import BILL, CONTROL_TOTALS, EXAMPLES
from hcip_pipeline.guides.inbox_files import InboxFile, bill_files, hospital_files, program_files, reference_files
from hcip_pipeline.policy.keys import policy_keys
from hcip_pipeline.reference.tables import SHIPPED
from hcip_pipeline.rules.catalog import CATALOGS, RULES, former_id
from hcip_pipeline.rules.rule import Rule

_DATA = Path(__file__).parent / "data"
_GENERATED = "<!-- Generated from the declarations by `make contracts`; a test compares the two. -->"


def inbox_page() -> str:
    """Every file of the inbox."""
    return _page(
        "inbox.md.j2",
        control_totals=CONTROL_TOTALS,
        files=lambda files: "\n".join(line for file in files for line in _file(file)),
        hospital_files=hospital_files(),
        bill_files=bill_files(),
        bill=BILL.rstrip("\n"),
        program_files=program_files(),
        reference_files=reference_files(),
    )


def rules_page() -> str:
    """Every rule on files, and the rule ids in older receipts."""
    return _page(
        "rules.md.j2",
        catalogs=CATALOGS,
        rules=_rules,
        former=[(former_id(rule), rule.id) for rule in RULES.values() if former_id(rule)],
    )


def policy_page() -> str:
    """Every key of the policy, and what the demo would have paid with other values."""
    return _page("policy.md.j2", keys=policy_keys(), worth=_worth(), effect=_effect_on_demo)


def _page(template: str, **content: object) -> str:
    """A page of ``docs/``. It is Markdown, so nothing is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_DATA),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(template).render(generated=_GENERATED, **content).rstrip("\n") + "\n"


def _worth() -> dict[str, list[dict[str, str]]]:
    """Key -> the values tried on the demo, each with the change of final incentives in dollars."""
    found: dict[str, list[dict[str, str]]] = {}
    with (_DATA / "policy_worth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["key"], []).append(row)
    return found


def _effect_on_demo(row: Mapping[str, str]) -> str:
    change = Decimal(row["change"])
    if not change:
        return f"final incentives stay {row['final']}"
    return f"final incentives {'rise' if change > 0 else 'fall'} by {abs(change):,} to {row['final']}"


def _file(file: InboxFile) -> list[str]:
    """A file's section: what it is, when it is needed, its columns, and an example row."""
    table = file.table
    lines = [f"### {file.name}", "", f"{table.grain[:1].upper()}{table.grain[1:]}.", ""]
    lines += [f"- **Needed**: {file.needed}", f"- **Due**: {file.due}"]
    if file in reference_files():
        shipped = (SHIPPED / file.name).exists()
        lines.append(f"- **Shipped**: {'yes; a file here replaces the whole table' if shipped else 'no'}")
    lines += ["", *_columns(table), "", "Example row:", "", "```", ",".join(table.names), _row(table), "```", ""]
    return lines


def _columns(table: Table) -> list[str]:
    lines = ["| column | type | | meaning |", "|---|---|---|---|"]
    for column in table.columns:
        marks = ["key"] if column.key else []
        marks += ["optional column"] if column.optional else []
        marks += ["may be empty"] if column.nullable else []
        lines.append(f"| `{column.name}` | {TYPES[column.type][2]} | {', '.join(marks)} | {_cell(column.meaning)} |")
    return lines


def _row(table: Table) -> str:
    cells = [EXAMPLES[table.name].get(name, "") for name in table.names]
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells)


def _rules(rules: Iterable[Rule], refused: str, on_error: str) -> str:
    """A table of rules.

    Args:
        refused: what a refusing rule refuses, such as "the file".
        on_error: what happens on an ERROR that does not refuse.
    """
    lines = ["| rule | what happens | what is wrong | what to do |", "|---|---|---|---|"]
    for rule in rules:
        accepted = "accepted, counted" if rule.severity == "WARN" else "accepted, reported"
        effect = f"{refused} is refused" if rule.refuses else on_error if rule.severity == "ERROR" else accepted
        lines.append(f"| `{rule.id}` | {effect} | {_cell(rule.description)} | {_cell(rule.fix)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
