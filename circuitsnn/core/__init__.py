"""Numba kernels on plain float64 arrays: no classes, no files, no printing."""
