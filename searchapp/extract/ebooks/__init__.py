"""Books of Kindle and its forerunners."""
