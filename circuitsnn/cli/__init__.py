"""The `circuitsnn` command.

Exit status: 0 when all is well (for a study: every claim holds), 1 when a claim does not hold, simulators do not agree
or a fit does not settle, 2 for wrong input and 3 for a study or circuit simulator that failed, the last two with one
line on standard error. Modules that take long to import are imported inside the commands, so that --help stays quick.
"""

import sys
from collections.abc import Sequence
from typing import Any

import typer

# Imported for the commands that they add.
from circuitsnn.cli import (  # noqa: F401
    adc,
    crosscheck,
    data,
    devices,
    fit,
    infer,
    netlist,
    oscillator,
    report,
    run,
    sram,
    studies,
    train,
)
from circuitsnn.cli.app import app
from circuitsnn.cli.terminal import SPELL_OUT, say
from circuitsnn.errors import EngineError, InputError, StudyError

__all__ = ["app", "main"]

# Some versions of typer carry a click of their own, so its error class is reached through typer's.
_UsageError = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command-line arguments; without it, those of the process.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=SPELL_OUT)
    try:
        arguments = sys.argv[1:] if arguments is None else list(arguments)
        status = app(args=arguments, prog_name="circuitsnn", standalone_mode=False) or 0
    except InputError as error:
        status = _refuse(str(error))
    except _UsageError as error:
        status = _refuse(f"{error.format_message().rstrip('.')}; {_usage(error)}")
    except OSError as error:
        what = error.filename or "a file"
        status = _refuse(f"cannot use {what}: {error.strerror}; name another file or folder")
    except (EngineError, StudyError) as error:
        status = _refuse(str(error), 3)
    except (KeyboardInterrupt, typer.Abort):
        say("interrupted", sys.stderr)
        status = 130
    sys.exit(status)


def _refuse(message: str, status: int = 2) -> int:
    say(f"circuitsnn: {' '.join(message.split())}", sys.stderr)
    return status


def _usage(error: Any) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return "see circuitsnn --help"
    commands = getattr(context.command, "commands", None)
    if commands:
        return f"allowed: {', '.join(commands)}"
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    names = [max(parameter.opts, key=len) for parameter in context.command.params]
    return f"allowed: {usage} with {', '.join(name for name in names if name.startswith('-'))}"
