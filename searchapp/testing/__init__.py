"""Stand-ins for tests, public: an encoder whose vectors can be computed in the head, and a backend
in memory.

Nothing here loads a model or touches the disk; the same text gives the same vector in every process
and on every machine.
"""

from searchapp.testing.hash_encoder import HashEncoder
from searchapp.testing.memory_backend import MemoryBackend

__all__ = ["HashEncoder", "MemoryBackend"]
