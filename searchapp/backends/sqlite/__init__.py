"""The backend of this machine: a folder with one SQLite database, the only truth, and one vectors
file, derived from it.
"""
