"""What serving code means: locks, lending, requests, collectives, state."""
