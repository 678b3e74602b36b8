"""The ledger for C: a small library that is built for a run and preloaded into every process of it, and its reader."""
