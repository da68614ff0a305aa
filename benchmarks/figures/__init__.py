<<<<<<< HEAD
"""Pictures of what the library's contracts do, from real runs: `python -m benchmarks.figures.NAME`."""
=======
"""Pictures in docs/figures, each drawn from a run: `python -m benchmarks.figures.NAME` writes `NAME.svg` there."""
>>>>>>> named1
