"""The commands of `publish` that are about git, each in a room of its own: what they take, and what they print."""
