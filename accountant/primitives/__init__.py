"""Amounts, hashes, keys, canonical encoding and the base of all typed errors."""
