"""Values to text, JSON and pages. Nothing here asks a corpus, reads a file or prints."""
