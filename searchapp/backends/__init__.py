"""Where text, vectors, filters and keywords live together. The only room that knows SQL, FAISS or a
file name of a corpus.
"""
