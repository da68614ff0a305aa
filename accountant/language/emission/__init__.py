"""The back of the compiler: from the checked tree to a WASM module and its source map. `emitter.emit` is its door."""
