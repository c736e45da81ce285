"""YAML, JSON and dates as people write them: every value with its place, what has two meanings is told."""
