"""The version of the splitter, which corpora record: a question asks for it, and splits nothing."""

SPLITTER_VERSION = "1"
