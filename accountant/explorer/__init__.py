"""The explorer for everyone: the chain's public pages on the REST API's port, without a key and without a session."""
