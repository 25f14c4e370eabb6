"""Search your own documents by meaning, on your own machine.

The package root holds the version and nothing else, so that importing any one module costs that module alone.
"""

__version__ = "0.1.0"
