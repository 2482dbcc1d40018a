"""Equivalence: whether two models compute the same, tested by running both."""
