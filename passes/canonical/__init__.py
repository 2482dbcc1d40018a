"""Canonical form: the rules that give each computation one spelling, and the driver that applies them."""
