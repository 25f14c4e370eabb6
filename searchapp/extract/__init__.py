"""Files to documents: one module a format, and what they share.

`registry` names the formats, `detect` tells which one a file is, `entries` reads it with its
members, and `sandbox` does so in processes that can be killed.
"""
