"""``python -m circuitsnn.cli``."""

from circuitsnn.cli import main

main()
