"""The names of the models that searchapp brings, or an extra of it does."""

from __future__ import annotations

DEFAULT_MODEL = "default"
MULTILINGUAL = "multilingual"  # speaks more than English
