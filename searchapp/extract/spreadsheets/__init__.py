"""Tables: workbooks and delimited rows."""
