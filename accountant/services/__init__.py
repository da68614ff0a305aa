"""The service: one use case a file, one database transaction each."""
