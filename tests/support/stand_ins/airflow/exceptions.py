"""As airflow.exceptions."""


class AirflowFailException(Exception):  # noqa: N818 (Airflow's own name)
    """A task has failed, and is not tried again."""
