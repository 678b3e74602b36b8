"""Many revisions of many repositories: scanned from git's objects, each blob read once, and followed through time."""
