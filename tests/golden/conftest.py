"""The golden files are read, not run: DAG files among them need an Airflow."""

collect_ignore_glob = ["exports/*"]
