"""Targets of site.toml: the host behind one, how it stands, what was done to it."""
