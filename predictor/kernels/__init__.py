"""Message passing of the encoder: compiled for a GPU with Triton, and a portable path for every other device.

Import :mod:`.message` for the one entry point, ``gin``; :mod:`.relation` holds the sparse structure that it works on.
"""
