"""The server: one process that holds a corpus open and shows it to people, as a page, and to
programs, as an API.
"""
