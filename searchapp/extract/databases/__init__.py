"""Tables of databases and of files of columns."""
