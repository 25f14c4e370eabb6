"""A model trained on one's own questions, evaluated before and after, and kept only where it
is better.
"""
