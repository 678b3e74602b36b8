"""The code model: files become trees, trees become facts, facts become one linked program."""
