"""Archives and compressed files: members taken out within bounds."""
