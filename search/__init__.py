"""Searching for better networks: edits, the LLMs that propose them, and the loop that judges them."""
