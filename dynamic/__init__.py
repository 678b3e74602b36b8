"""The tracer: it goes into the traced processes, watches what the findings name, and writes down what it saw.

Everything here runs inside other people's serving processes. It needs nothing but the standard library (Python 3.10
and later), imports nothing of llmlint, and reaches its own parts by relative imports, because in a traced process the
package goes under another name. One rule, one file in `probes/`; what probes of a family share is in `oracles/`.

`native/` is for programs in C and C++: a library that is preloaded, and the reader of what it writes.

plan > imports > rewrite > station > probes > record, and, when the run is over, read > judge.
"""
