"""SRAM cells, bit-line reads and macros of arrays with converters."""
