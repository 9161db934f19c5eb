"""The ``hcip`` command: its subcommands, and how errors become messages and exit codes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import warnings
from types import FrameType

import click

from hcip_pipeline import __version__
from hcip_pipeline.background import relax_gc
from hcip_pipeline.commands.options import show_json
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import restrict_umask
from hcip_pipeline.home.storage_faults import storage_fault_behind

#: in the order of ``--help``; each is defined in the module of its name in ``commands``
COMMANDS = (
    "demo", "init", "rates",
    "synth", "check", "ingest", "run", "status", "backfill", "interim", "study", "explain", "verify", "publish",
    "diff", "reproduce", "retain", "simulate", "what-if", "certainty", "expectations", "ui",
)  # fmt: skip


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"hcip_pipeline.commands.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List each command with the whole first sentence of its help."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, command.get_short_help_str(limit=500)) for name, command in commands if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hcip")
def cli() -> None:
    """Settle a hospital-physician incentive program: from discharge files to released incentive files.

    Start with `hcip demo`, which settles an invented state, or with `hcip init FOLDER`, which creates a home for your
    own region. Every command has --help; most have --json. Exit codes: 0 done, 1 the data or a check failed,
    2 wrong usage.
    """


def _interrupt_on_sigterm() -> None:
    """Let SIGTERM end a command that a script started in the background.

    Such a command ignores SIGINT, and Dagster handles SIGTERM the same way as SIGINT, so only SIGKILL would end it.
    """
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    if number == signal.SIGTERM:
        raise KeyboardInterrupt


def main(arguments: list[str] | None = None) -> None:
    """Run the command; errors become a message and an exit code, never a traceback (unless ``HCIP_DEBUG`` is set)."""
    restrict_umask()
    relax_gc()
    _interrupt_on_sigterm()
    # Pandera imports PySpark if it is installed, and PySpark warns about a part that nothing here uses.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"pyspark\.")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        code = cli.main(args=arguments, prog_name="hcip", standalone_mode=False)
        if isinstance(code, int):  # from ctx.exit in a command
            sys.exit(code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except HcipError as error:
        if "--json" in (arguments if arguments is not None else sys.argv):
            show_json(error.as_dict())
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("HCIP_DEBUG"):
            raise
        if (fault := storage_fault_behind(error, "the disk")) is not None:
            click.echo(f"error: {fault}", err=True)
            sys.exit(fault.exit_code)
        click.echo(
            f"error: a bug in the program itself ({type(error).__name__}: {error})\n"
            "What to do: run it again with HCIP_DEBUG=1 and report the traceback that it prints",
            err=True,
        )
        sys.exit(1)
