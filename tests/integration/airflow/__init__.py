"""A real Airflow loads, judges and runs what we export."""
