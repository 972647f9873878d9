"""Functions for worker processes to try; what they import is little, so that the processes start soon."""

import ctypes
import os
import signal
import sys
import threading
import time


class OddError(Exception):
    """Cannot be unpickled: its __init__ wants two arguments, its args hold one."""

    def __init__(self, what, where):
        super().__init__(f"{what} in {where}")


def misbehave(number):
    match number:
        case 3:
            raise KeyError("three")
        case 5:
            os._exit(7)
        case 8:
            os.kill(os.getpid(), signal.SIGKILL)
        case 11:
            ctypes.string_at(0)
        case 13:
            time.sleep(3600)
        case 14:
            sys.exit("fourteen")
        case 15:
            raise OddError("hole", "bucket")
        case 16:
            return threading.Lock()
        case 17:
            raise RuntimeError(threading.Lock())
    time.sleep(0.01)
    return number + 0.5


def square(number):
    if number == 2:
        raise ValueError("two\nis not allowed")
    return number**2
