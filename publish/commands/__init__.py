"""The commands of `publish`, one room for each or for a noun: all that reads a command line."""
