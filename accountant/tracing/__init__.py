"""Traces: spans from a client's request to its oath, for whoever runs a collector (`docs/monitoring.md`)."""
