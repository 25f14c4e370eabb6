"""What stored vectors and token states show: similarity, word senses, maps, why two texts are near.

Nothing here writes a corpus.
"""
