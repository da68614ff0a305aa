"""The main job from nothing: a chain of real recorded transactions, and an accountant that answers about it."""
