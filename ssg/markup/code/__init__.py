"""Fenced code: what its first line says, what its language is called, and Pygments' classes in it."""
