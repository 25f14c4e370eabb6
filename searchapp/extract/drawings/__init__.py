"""Drawings that hold text as text."""
