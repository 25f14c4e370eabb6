"""Where a document is cut into passages, and the text cuts that it may be cut at."""
