"""Computational accounting: lower bounds, Pay, queries and certificates (paper, sections II-B and II-C)."""
