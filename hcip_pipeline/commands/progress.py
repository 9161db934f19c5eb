"""The progress that a command shows while it works, and its log in the home.

Belongs here: one line per stage, in the user's words, with a count and the elapsed time. Does not belong here: the
work itself.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import click

from hcip_pipeline.errors import HcipError
from hcip_pipeline.messages import DetailedMessage, LastingMessage, Progress

_VOLUME = "hcip_pipeline.volume"
_COUNTED = re.compile(r"[0-9,]+ of [0-9,]+")
#: Number of logs that a home keeps; the oldest are deleted first.
KEPT_LOGS = 200


def _set_volume(context: click.Context, option: click.Parameter, chosen: bool) -> None:
    if chosen:
        if context.meta.get(_VOLUME, option.name) != option.name:
            raise click.UsageError("--quiet and --verbose cannot be used together")
        context.meta[_VOLUME] = option.name


def volume_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--quiet`` and ``--verbose``, for a command that shows its progress."""
    for flag, words in (
        ("--verbose", "Show each table and file as it finishes."),
        ("--quiet", "Show only the result and errors."),
    ):
        option = click.option(flag, is_flag=True, expose_value=False, callback=_set_volume, help=words)
        command = option(command)
    return command


@contextmanager
def shown_progress(as_json: bool, home_root: Path | None = None) -> Iterator[Progress]:
    """Show progress on standard error: one live line on a terminal, elsewhere one line per stage.

    Args:
        as_json: show nothing, because the output is for machines.
        home_root: also write everything to ``logs/`` of this home, with the time of each message.
    """
    context = click.get_current_context(silent=True)
    volume = context.meta.get(_VOLUME, "") if context else ""
    is_quiet, is_verbose = as_json or volume == "quiet", volume == "verbose"
    with _log(home_root) as log, _screen(is_quiet, is_verbose) as show:

        def progress(message: str) -> None:
            log(message)
            show(message.stage if isinstance(message, DetailedMessage) and not is_verbose else message)

        yield progress


@contextmanager
def _screen(is_quiet: bool, is_verbose: bool) -> Iterator[Progress]:
    started = time.monotonic()
    if is_quiet:
        yield lambda _: None
    elif is_verbose or not sys.stderr.isatty():
        stage = ""

        def plain(message: str) -> None:
            nonlocal stage
            before, stage = stage, _COUNTED.sub("", message)
            if is_verbose or stage != before:  # only the first message of a stage, not one line per count
                click.echo(f"[{_elapsed(started)}] {message}", err=True)

        yield plain
    else:
        from rich.console import Console

        with Console(stderr=True).status("") as status:

            def live(message: str) -> None:
                if isinstance(message, LastingMessage):
                    status.console.print(message, soft_wrap=True, markup=False, highlight=False)
                else:
                    status.update(f"\\[{_elapsed(started)}] {message}")

            yield live


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"{minutes}:{seconds:02d}"


@contextmanager
def _log(home_root: Path | None) -> Iterator[Progress]:
    """Log every message, and how the command ended, to a file of the home, if it is writable."""
    context = click.get_current_context(silent=True)
    if home_root is None or not home_root.is_dir():
        yield lambda _: None
        return
    name = context.info_name if context and context.info_name else "command"
    started = dt.datetime.now(dt.UTC)
    folder = home_root / "logs"
    try:
        folder.mkdir(exist_ok=True)
        file = _new_file(folder, f"{started:%Y%m%dT%H%M%S}-{name}")
    except OSError:
        yield lambda _: None
        return
    with file:

        def write(message: str) -> None:
            file.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} {' '.join(message.split())}\n")
            file.flush()

        write(f"hcip {name}, process started")
        try:
            yield write
        except BaseException as error:
            write(
                f"ended by {error}"
                if isinstance(error, HcipError | click.ClickException)
                else f"ended by {type(error).__name__}"
            )
            raise
        write("ended")
    for old in sorted(folder.glob("*.log"))[:-KEPT_LOGS]:
        old.unlink(missing_ok=True)


def _new_file(folder: Path, stem: str) -> TextIO:
    """A new log, opened for writing. Its name is numbered if two commands start in the same second."""
    number = 1
    while True:
        try:
            return (folder / f"{stem}{f'-{number}' if number > 1 else ''}.log").open("x", encoding="utf-8")
        except FileExistsError:
            number += 1
