"""C and C++ at run time: what a finding asks of the ledger, its library, where addresses lie, the verdict."""
