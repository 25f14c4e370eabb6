"""Several rooms together, and what the project ships."""
