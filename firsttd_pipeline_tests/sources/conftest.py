"""The loopback server for the tests of the sources."""

from firsttd_pipeline_tests.servers import refused_url, serve

__all__ = ["refused_url", "serve"]
