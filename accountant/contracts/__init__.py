"""The contract runtime: WASM modules under structural limits, metered, with one small host table."""
