"""From a commit to what readers see: built, sealed, put out, told."""
