"""The values that travel through searchapp, and the two seams. Frozen; they know nothing of files,
databases or models.
"""
