"""From files to stored vectors: find what has changed, index it once, and report on every file."""
