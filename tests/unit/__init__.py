"""Each room of the package by itself."""
