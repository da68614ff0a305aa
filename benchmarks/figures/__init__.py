"""Pictures in docs/figures, each drawn from a run: `python -m benchmarks.figures.NAME` writes `NAME.svg` there."""
