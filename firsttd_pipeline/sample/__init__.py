"""Sample seasons and leagues: invented, deterministic from a seed, in the layout of the real sources.

`make demo`, the tests and the benchmarks use them; nothing here is ever part of a real league.
"""
