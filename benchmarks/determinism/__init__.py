"""The same files give the same findings: for any Python, number of workers, hash seed, order and state of the cache."""
