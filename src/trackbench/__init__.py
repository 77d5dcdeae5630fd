"""Benchmark ways of getting a region of interest out of ICESat-2 trajectory data."""
