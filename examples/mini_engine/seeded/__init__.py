"""The same parts, each with one bug: `diff -r clean seeded` shows them all."""
