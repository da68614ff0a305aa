"""The node: orders transactions into blocks, keeps them, serves their bytes. It executes nothing."""
