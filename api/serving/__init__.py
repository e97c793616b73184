"""gunicorn and what stands before Flask: worker class, middleware, the fast lane, logs, the probe."""
