"""The chain: transactions are ordered and their fees paid; nothing is executed."""
