"""Every way in which the world can fail searchapp, in one tree.

    SearchappError                  code, hint, exit_code
    ├── UsageError                  what was asked for makes no sense                       exit 2
    │   ├── EmptyQuery
    │   ├── QueryTooLarge
    │   ├── UnknownMode
    │   ├── BadFilter
    │   │   └── EmptyRange
    │   └── BadSetting
    ├── CorpusError                 the corpus cannot be used as asked                      exit 4
    │   ├── CorpusMissing
    │   ├── CorpusEmpty
    │   ├── CorpusTooNew
    │   ├── CorpusUnreadable
    │   ├── CorpusUnwritable
    │   ├── OtherEncoder
    │   ├── Unsupported
    │   ├── CorpusDamaged                                                                   exit 5
    │   └── CorpusLocked                                                                    exit 11
    ├── EncoderError                the model cannot be found, verified, converted or run   exit 4
    ├── PathMissing                 a path given to ingest does not exist                   exit 4
    ├── DocumentMissing             no document of that name in the corpus                  exit 4
    ├── PassageMissing              no passage of that id was ever in the corpus            exit 4
    ├── PageMissing                 a document has no page of that number                   exit 4
    ├── Gone                        what had that id has left the corpus                    exit 4
    ├── BackupError                 a backup or an export cannot be written, or is not whole exit 4
    ├── CollectionError             a judged collection is not in the form `evaluate` reads exit 4
    ├── ClassifierError             a classifier cannot be trained, or is missing, or none  exit 4
    ├── TuningError                 a model cannot be tuned: too little to learn from, say  exit 4
    └── FileError                   one file cannot be read: a line in the report
        ├── FileSkipped             on purpose: empty, too large, of a type without a reader
        ├── FileFailed              by misfortune: no permission, encrypted, broken, too slow
        └── FileChanged             it is not the file any more that was read

`code` is stable and meant for programs; `hint` names the cure and is meant for people. A caller's
own mistake is a `ValueError` or `TypeError` and does not appear here. Foreign exceptions are
translated in the module that owns the library. Two more stay within backends/sqlite:
`connection.OldSchema` makes the backend migrate, `vector_index.VectorsFileError` makes the reader
do without the file.
"""


class SearchappError(Exception):
    """Something outside the program failed; `str()` is the message, `hint` says what to do about
    it.
    """

    code = "failed"
    exit_code = 4

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(SearchappError):
    """What was asked for makes no sense."""

    code = "usage"
    exit_code = 2


class EmptyQuery(UsageError):
    """The query holds no text."""

    code = "empty_query"


class QueryTooLarge(UsageError):
    """The query, or what limits it, is more than a question could be."""

    code = "query_too_large"


class UnknownMode(UsageError):
    """There is no ranking mode of that name."""

    code = "unknown_mode"


class BadFilter(UsageError):
    """A filter cannot be understood: a date that is none, say."""

    code = "bad_filter"


class EmptyRange(BadFilter):
    """Two dates have no time between them."""


class BadSetting(UsageError):
    """There is no setting of that name, or its value makes no sense."""

    code = "bad_setting"


class CorpusError(SearchappError):
    """The corpus cannot be used as asked."""

    code = "corpus"


class CorpusMissing(CorpusError):
    """There is no corpus at that place."""

    code = "corpus_missing"


class CorpusEmpty(CorpusError):
    """The corpus holds no documents."""

    code = "corpus_empty"


class CorpusTooNew(CorpusError):
    """A newer searchapp wrote this corpus."""

    code = "corpus_too_new"


class CorpusUnreadable(CorpusError):
    """The system refuses to open the corpus: missing permission, say. Nothing is known to be wrong
    with it.
    """

    code = "corpus_unreadable"


class CorpusUnwritable(CorpusError):
    """The corpus cannot be written: read-only media, a full disk, missing permission."""

    code = "corpus_unwritable"


class OtherEncoder(CorpusError):
    """The corpus was made by another encoder than the one asked for."""

    code = "other_encoder"


class Unsupported(CorpusError):
    """The backend that holds the corpus cannot do this."""

    code = "unsupported"


class CorpusDamaged(CorpusError):
    """The corpus fails its own checks."""

    code = "corpus_damaged"
    exit_code = 5


class CorpusLocked(CorpusError):
    """Another process is writing this corpus."""

    code = "corpus_locked"
    exit_code = 11


class EncoderError(SearchappError):
    """The model cannot be found, verified, converted or run."""

    code = "encoder"


class PathMissing(SearchappError):
    """A path given to ingest does not exist."""

    code = "path_missing"


class DocumentMissing(SearchappError):
    """No document of that name is in the corpus."""

    code = "document_missing"


class PassageMissing(SearchappError):
    """No passage of that id was ever in the corpus."""

    code = "passage_missing"


class PageMissing(SearchappError):
    """A document has no page of that number."""

    code = "page_missing"


class Gone(SearchappError):
    """What had that id has left the corpus; ids are never used again."""

    code = "gone"


class BackupError(SearchappError):
    """A backup or an export cannot be written, is not whole, or is none."""

    code = "backup"


class CollectionError(SearchappError):
    """A judged collection is not in the form that `evaluate` reads."""

    code = "collection"


class ClassifierError(SearchappError):
    """A classifier cannot be trained on what is given, or there is none, or the file holds none."""

    code = "classifier"


class TuningError(SearchappError):
    """A model cannot be tuned as asked: too little to learn from, or no room for the outcome."""

    code = "tuning"


class FileError(SearchappError):
    """One file cannot be read; `str()` is the reason shown in the report."""

    code = "file"


class FileSkipped(FileError):
    """Not read on purpose: empty, too large, or of a type without a reader."""

    code = "file_skipped"


class FileFailed(FileError):
    """Not readable by misfortune: no permission, encrypted, broken, too slow."""

    code = "file_failed"


class FileChanged(FileError):
    """It is not the file any more that was read."""

    code = "file_changed"
