"""Run one deck on ngspice's shared library, through PySpice; a program of its own, which `run_deck` starts.

    python shared_worker.py LIBRARY DECK RAW

It prints what ngspice prints and writes every analysis to one raw file, as ngspice's batch mode does.
"""

import os
import sys


def main() -> None:
    """Run the deck named on the command line."""
    del sys.path[0]  # this file's folder, whose numbers.py would hide Python's own
    import contextlib
    import logging

    library, deck, raw = sys.argv[1:]
    os.environ["NGSPICE_LIBRARY_PATH"] = library.replace("{", "{{").replace("}", "}}")  # PySpice formats it
    logging.disable()  # PySpice's log repeats what ngspice says, and warns of each version after 34
    from PySpice.Spice.NgSpice.Shared import NgSpiceCommandError, NgSpiceShared

    class Session(NgSpiceShared):
        def send_char(self, message: str, ngspice_id: int) -> int:
            kind, _, line = message.partition(" ")
            (sys.stderr if kind == "stderr" else sys.stdout).write(f"{line}\n")
            return 0

        def execute(self, command: str) -> None:
            with contextlib.suppress(NgSpiceCommandError):  # PySpice takes every note for one; the log tells them apart
                self.exec_command(command)

    os.environ["HOME"] = os.getcwd()  # the user's .spiceinit must not matter
    try:
        session = Session()
    except (OSError, AttributeError) as error:  # no library, or a library of something else
        sys.exit(f"Error: {error}")
    for command in ("set filetype=binary", "set appendwrite", f"source {deck}", "run"):
        session.execute(command)
    for plot in reversed(session.plot_names):
        session.execute(f"setplot {plot}")
        session.execute(f"write {raw}")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # the library must not take part in Python's own end


if __name__ == "__main__":
    main()
