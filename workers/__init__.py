"""Celery workers: the broker carries job ids, the database everything that matters."""
