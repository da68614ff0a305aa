"""Choosing Θ: the incomes of least total cost that satisfy Lemma 1's inequality (paper, section II-C).

`candidate` says what is chosen from and what an answer holds; `additive` and `closure` choose; `plan` says what to
execute next while amounts are uncertain. Pure functions of their arguments; whatever is proved is proved in integers.
"""
