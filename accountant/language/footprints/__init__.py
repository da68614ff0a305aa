"""What a contract may touch, derived from the checked tree: templates and envelope. `derivation.derive` is its door."""
