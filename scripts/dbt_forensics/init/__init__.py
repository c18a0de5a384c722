"""Looks at a relation and guesses how to put it on record."""
