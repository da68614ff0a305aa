"""Portable certificates: an answer, and all that somebody needs who trusts block headers alone."""
