"""Recorded Ethereum blocks as a chain: real reads, writes, money and gas, replayed by one contract."""
