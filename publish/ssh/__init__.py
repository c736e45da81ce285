"""The system's ssh: one connection to a host, and the lock there."""
