"""The edge of a host: a Caddy that owns a port which readers know, before the containers of sites.

configuration   what it is told, as data: a route for each line of releases, and nothing else
container       what its container is made of, and what all of an edge is called on a host
edge            the container on the host: found, made, told, removed
flip            how readers come from one release to the next through it
"""
