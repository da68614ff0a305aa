"""Contracts that are shipped with the chain, in contract Python. docs/library has a page on each."""
