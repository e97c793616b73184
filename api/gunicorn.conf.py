# ruff: noqa: F403, N999 (gunicorn's own name for such a file)
"""The settings of api/serving/gunicorn_conf.py, under the name by which gunicorn's users look for them."""

from api.serving.gunicorn_conf import *
