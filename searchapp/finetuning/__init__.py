"""A model taught one's own questions, examined before and after, and kept only where it
is better.
"""
