"""The releases on a host: whose they are, which is current, which to go back to, which to forget."""
