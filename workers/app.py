"""The Celery application of this process's settings: `celery -A workers.app worker -Q cpu`."""

from accountant.settings import load_settings
from workers.broker import make_app

app = make_app(load_settings())
