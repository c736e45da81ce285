"""Labels of images and containers: how sealpress knows its own on a host, and the only thing that prune and rollback
go by. imagebake writes the first four into the image; publish adds the others to what it runs.
"""

from typing import Final

SITE: Final = "org.sealpress.site"  # the site's name, as in the image's name
EDGE: Final = "sealpress-edge"  # what SITE has in the place of a site's name for the edge, which is before sites
RELEASE: Final = "org.sealpress.release"  # "sha256:…": the digest of tree, lock and settings
COMMIT: Final = "org.sealpress.commit"  # 40 hex digits, or "" for a tree that no commit holds
SEAL: Final = "org.sealpress.seal"  # "sha256:…": the digest of the release statement, /.well-known/seal.json
TARGET: Final = "org.sealpress.target"  # the target's name in site.toml
URL: Final = "org.sealpress.url"  # the site's own, [site] url
FOLDER: Final = "org.sealpress.folder"  # the clone that it was published from, where clones are kept apart
READERS: Final = "org.sealpress.readers"  # "ADDRESS:PORT MEMORY": what it was created for
GENERATION: Final = "org.sealpress.generation"  # 1, 2, 3 …: the order of releases of one target
PUBLISHED: Final = "org.sealpress.published"  # when it was put on the host, "2026-11-19T02:12:54Z"
SUBJECT: Final = "org.sealpress.subject"  # the first line of the commit's message
NETWORK: Final = "org.sealpress.network"  # of a network: that it is ours (publish/engines/networks.py)
HOSTS: Final = "org.sealpress.hosts"  # by which names readers reach it through the edge; "*": all that nobody else has
TLS: Final = "org.sealpress.tls"  # where the certificates for HOSTS come from (publish/edge/certificates.py)
LOCK: Final = "org.sealpress.lock"  # of an edge: the time of the lock that it is made of, as PUBLISHED has it
VOLUME: Final = "org.sealpress.volume"  # of a volume: that it is ours (publish/engines/volumes.py)
ROLE: Final = "org.sealpress.role"  # publish.engines.protocol.Role
SHARED: Final = "org.sealpress.shared"  # of a release that is shared: what it shows, "branch new-theme"
UNTIL: Final = "org.sealpress.until"  # and until when, "2026-12-07T09:00:00Z"
PORT: Final = "org.sealpress.port"  # the port inside the container, so that it can be asked without site.toml
SERVICE: Final = "org.sealpress.service"  # which program of the release it is; "site" where the label is not there
REPLICA: Final = "org.sealpress.replica"  # 1, 2, 3 …: which of the containers alike; 1 where the label is not there
SETTINGS: Final = "org.sealpress.settings"  # digest of environment, volumes, networks, ports; none for a site alone
HEALTH: Final = "org.sealpress.health"  # the path that a service answers; else a site tells its release
