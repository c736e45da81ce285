"""Images in a registry, by the OCI distribution API: what they are called there, and how they come and go.

    reference.py     REGISTRY/NAME[:TAG], and which registries are spoken to without TLS
    credentials.py   who we are: Docker's config.json and credential helpers
    transport.py     attempts that are repeated, answers of bounded size, and whom a registry may lead us to
    client.py        blobs and manifests, and the login that a registry asks for
    compression.py   the one gzip writer
    push.py          an image with all its architectures, its tags last
    pull.py          an image as the OCI layout that it was baked as
    referrers.py     what is attached to an image: its seal

Source: OCI distribution-spec v1.1.
"""
