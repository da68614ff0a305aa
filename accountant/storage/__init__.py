"""Where data lives: the embedded servers, tables and repositories."""
