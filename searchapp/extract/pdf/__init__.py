"""PDF, pictures of text, and how their lines flow."""
