"""The operator's dashboard: server-rendered pages on a port of their own (`docs/dashboard.md`)."""
