"""Errors that a user can mend: each message names what was wrong, where, and what is allowed."""


class InputError(ValueError):
    """Wrong input. The command line prints its message on one line and exits with 2."""


class NoOscillationError(InputError):
    """The load line leaves the device at a stable operating point, so there is no period to speak of."""


class StudyError(RuntimeError):
    """A study that could not be brought to its end, through no fault of its input."""


class EngineError(RuntimeError):
    """A circuit simulator could not do its work; the message quotes what it said.

    Parameters
    ----------
    message
        What went wrong, and what may help.
    log
        All that the simulator printed.
    """

    def __init__(self, message: str, log: str = ""):
        super().__init__(message)
        self.log = log


class EngineMissingError(EngineError):
    """The circuit simulator is not installed."""
