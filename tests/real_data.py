"""Where real data sets lie, if they do: beside the checkout, or in the folder that CIRCUITSNN_TEST_DATA names."""

import os
from pathlib import Path

REAL_DATA = Path(os.environ.get("CIRCUITSNN_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
