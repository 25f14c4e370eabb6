"""Programs that make what is generated in docs/: they write files, and the tests call the same
functions to see that the files are current.
"""
