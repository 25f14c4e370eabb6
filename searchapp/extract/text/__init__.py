"""Whatever is text already: plain, marked up, structured, code."""
