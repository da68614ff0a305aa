"""What operators look at: every metric, sampled into series that survive restarts, and a verdict over them all."""
