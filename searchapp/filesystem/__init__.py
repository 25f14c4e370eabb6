"""Which files are read and why others are not; files opened so that nothing hangs, and written
whole or not at all.
"""
