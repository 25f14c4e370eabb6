"""The command line: parses, calls the library, prints, and maps errors to exit codes."""
