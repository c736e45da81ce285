"""Other processes: what they write, within limits (pipes.py); work shared among the cores (workers.py)."""
