"""Labels: learned from vectors, given by hand, kept in a corpus. Arrays and files in,
labels out.
"""
