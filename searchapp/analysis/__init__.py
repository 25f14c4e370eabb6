"""What stored vectors and token states tell: similarity, word senses, maps, why two texts are near.
Nothing here writes a corpus.
"""
