"""The metrics by subject, each with the statement that reads it. `monitoring.catalogue` puts them together."""
