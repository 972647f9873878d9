"""Running a piece of a test with the kernels as plain Python, without Numba's compiler."""

import json
import os
import subprocess
import sys
from pathlib import Path


def interpreted(test_file, program, *arguments):
    """Run a program that may import the test's own module and prints JSON; give what it printed."""
    here = Path(__file__).parent
    path = os.pathsep.join([str(Path(test_file).parent), str(here), str(here.parent), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
