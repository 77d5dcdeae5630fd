"""Benchmarks for asv: ``uv run asv run`` measures, ``uv run asv publish`` makes the site."""
