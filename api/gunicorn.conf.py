# ruff: noqa: F403, N999 (gunicorn's own name for such a file)
"""The settings of api/gunicorn_conf.py, under the name by which gunicorn's users look for them."""

from api.gunicorn_conf import *
