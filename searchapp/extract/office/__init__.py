"""Documents and slides of Microsoft Office, OpenDocument and RTF."""
