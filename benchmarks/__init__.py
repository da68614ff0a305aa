"""Benchmarks: `python -m benchmarks.NAME [FILE]`; the last line of each is one line of JSON."""
