"""The inverted file: which transactions touch what, in chain order (paper, section II-B)."""
