"""A small continuous-batching engine: HTTP streaming, paged KV cache, prefix cache, sleep and wake, tensor parallel.

request > server > engine > scheduler > kv cache > model. Parts in which serving engines go wrong come in two variants,
`clean/` and `seeded/`; `parts.py` chooses.
"""
