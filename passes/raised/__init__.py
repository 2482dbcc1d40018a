"""Raising: axes that travel in another order than the network needs, and layers that are written out as arithmetic."""
