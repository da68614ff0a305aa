"""Execution: what transactions did, by the plain eager reference and by the selective executor."""
