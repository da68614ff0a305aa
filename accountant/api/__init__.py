"""The REST API under /v1: routes, schemas and problem details; no rule of accounting lives here."""
