"""imagebake: seals a static tree into a small nginx image, without a daemon and without a Dockerfile."""
