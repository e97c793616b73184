"""In place of Airflow 3."""
