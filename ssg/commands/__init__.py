"""The commands of `ssg`, each in a room of its own: what they take, and what they print."""
