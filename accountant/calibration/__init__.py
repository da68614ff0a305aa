"""Measuring what operations on tensors take, and pricing them: `accountant gas calibrate` (`docs/gas.md`)."""
