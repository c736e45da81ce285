"""What a running site answers, and whether it is what was built."""
