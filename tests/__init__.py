"""The tests: `unit` has the rooms of the package, one folder each; the other folders need several
rooms at once.
"""
