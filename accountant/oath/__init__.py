"""The oath: an answer sworn on chain, read without executing anything, slashed when it is false (Algorithm 5)."""
