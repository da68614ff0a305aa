"""Large objects by the hash of their bytes: a folder, S3 or an IPFS node keeps them, and what comes out is checked."""
