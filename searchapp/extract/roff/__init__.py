"""Manual pages and other roff."""
