"""Measurements: each in child processes of its own, imports included. `python -m bench.run` does them all."""
