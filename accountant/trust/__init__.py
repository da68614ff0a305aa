"""Which oath to check next: the paper's "automated via machine learning" (Section II-C), above a floor of chance."""
