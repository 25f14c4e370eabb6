"""What searchapp costs and how well it finds, beside what one would pick instead; results are kept
in results/.
"""
