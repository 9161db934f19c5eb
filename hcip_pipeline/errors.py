"""The one exception a user is meant to read.

Belongs here: the error type that every layer raises for bad input and that the command line prints.
Does not belong here: the rules themselves, which live next to the data they judge.
"""

from __future__ import annotations

from pathlib import Path


class HcipError(Exception):
    """Bad input, or a check that did not pass, described so that the reader can mend it.

    Args:
        message: what is wrong, in one sentence.
        fix: the way out, in one sentence.
        file: the file it concerns, if any.
        row: the line of that file (the header is line 1), if any.
        rule: the id of the rule that was broken, if any.

    The message never carries a patient's row.
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        file: Path | str | None = None,
        row: int | None = None,
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.file = str(file) if file is not None else ""
        self.row = row
        self.rule = rule

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row is not None else "")
        parts = [f"{where}: {self.message}" if where else self.message]
        if self.rule:
            parts[0] += f" [{self.rule}]"
        if self.fix:
            parts.append(f"What to do: {self.fix}")
        return "\n".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The same facts for ``--json``."""
        return {"error": self.message, "file": self.file, "row": self.row, "rule": self.rule, "fix": self.fix}


class UsageError(HcipError):
    """The command was called with something that cannot mean anything (exit code 2)."""

    exit_code = 2


class ComputationError(HcipError):
    """An engine could not compute something, for a reason that its own message gives: no check failed."""


class RefusedFileError(HcipError):
    """A file that was sent is refused: everything else of its partition was accepted."""


class ProgramRefusedError(HcipError):
    """A program file is refused and none before it is in force: its half-year cannot be settled."""


class PartitionsFailedError(HcipError):
    """Partitions of which something was refused, or that could not be accepted; the others were.

    Args:
        problems: partition -> what is wrong with it.
    """

    def __init__(self, problems: dict[str, HcipError]) -> None:
        first = next(iter(problems.values()))
        named = ", ".join(problems)
        which = named if len(problems) == 1 else f"{len(problems)} partitions ({named})"
        super().__init__(
            f"{which}: {first.message}", fix=first.fix, file=first.file or None, row=first.row, rule=first.rule
        )
        self.problems = problems

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.problems,))
