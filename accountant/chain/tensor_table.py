"""The table of prices that a genesis has unless it names another."""

from accountant.chain.tensor_prices import TensorPrice, TensorSchedule

TENSOR_PRICES = TensorSchedule(
    version="uncalibrated",
    default=TensorPrice("", launch=2_000, flop_rate=20_000, byte_rate=10_000),
    prices=(),
)
