"""The front of the compiler: from a source to the checked tree. `checker.check` is its door."""
