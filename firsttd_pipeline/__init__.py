"""The data pipeline of a first-touchdown league, built on Dagster."""

__version__ = "0.1.0"
