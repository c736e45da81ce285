"""A release comes onto hosts: all of them staged, then all of them committed."""
