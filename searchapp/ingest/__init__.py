"""What becomes of every file: changes found, passages embedded once, progress told."""
