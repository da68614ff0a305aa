"""Pictures of what the library's contracts do, from real runs: `python -m benchmarks.figures.NAME` draws one anew."""
