"""Energy, delay and operation counts, each constant with its source."""
