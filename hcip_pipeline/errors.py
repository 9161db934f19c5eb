"""The one exception a user is meant to read.

Belongs here: the error type that every layer raises for bad input and that the command line prints.
Does not belong here: the rules themselves, which live next to the data they judge.
"""

from __future__ import annotations

from pathlib import Path


class HcipError(Exception):
    """Bad input, or a failed check, described so that the reader can fix it.

    Args:
        message: what is wrong, in one sentence.
        fix: what to do about it, in one sentence.
        file: the file it concerns, if any.
        row: the line of that file (the header is line 1), if any.
        rule: the id of the rule that was broken, if any.

    The message never contains a patient's data.
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
        """The error as ``--json`` prints it."""
        return {"error": self.message, "file": self.file, "row": self.row, "rule": self.rule, "fix": self.fix}


class UsageError(HcipError):
    """The command was called with arguments that make no sense (exit code 2)."""

    exit_code = 2


class ComputationError(HcipError):
    """An engine failed to compute something, for the reason in its own message; no check failed."""


class RefusedFileError(HcipError):
    """A received file is refused; everything else in its partition was accepted."""


class ProgramRefusedError(HcipError):
    """A program file is refused and no earlier version is in force, so its half-year cannot be settled."""


class PartitionsFailedError(HcipError):
    """Some partitions could not be accepted, in whole or in part; the others were.

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
