"""Text to vectors: models found, verified, converted and run. Not for: what is embedded, or where
vectors go.
"""
