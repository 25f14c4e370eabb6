"""What keeps a corpus well: doctor, another model in place, recovery."""
