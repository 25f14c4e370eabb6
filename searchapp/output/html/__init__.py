"""Pages in one file that ask for nothing, and their templates."""
