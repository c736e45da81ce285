"""git's pre-push hook: the file that git runs, and what a push brings."""
