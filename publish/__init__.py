"""publish: puts a sealed site on a host, watches it answer, and only then lets readers see it."""
