"""The long-lived service: jobs, schedule, retention, runs that were abandoned."""
