"""Judged questions asked through the ordinary query, and the figures that come of it."""
