"""The Celery application of this process's settings: `celery -A workers.app worker -Q cpu`."""

import warnings

from celery.platforms import SecurityWarning

from accountant.settings import load_settings
from workers.broker import make_app

# As root Celery warns of what messages could run. Ours are JSON, and pool processes give root's rights up: what
# cannot be given up here is told by `workers.confinement` itself.
warnings.filterwarnings("ignore", message="You're running the worker with superuser", category=SecurityWarning)

app = make_app(load_settings())
