"""Settings of all tests."""

import hashlib
import os
import signal
import tempfile
from pathlib import Path

# A shell has what it starts in the background ignore Ctrl-C, which what the tests start would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Numba's cache looks at the file of a function, not at the files that it calls into: after an edit of core/device.py it
# would go on using the old one inside core/network.py. So each state of the kernels gets a cache of its own.
_kernels = sorted((Path(__file__).parents[1] / "circuitsnn" / "core").glob("*.py"))
_digest = hashlib.sha256(b"".join(path.read_bytes() for path in _kernels)).hexdigest()[:16]
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(tempfile.gettempdir()) / f"circuitsnn-kernels-{_digest}"))
