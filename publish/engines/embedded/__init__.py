"""An engine of our own for this machine, where there is neither Docker nor Podman."""
