"""Files become an image's bytes, and are read back.

entries       files, folders and links, described first
nss           the users and groups that libc knows by
tar, untar    the canonical tar, written; any tar, read strictly
layers        named by the digest of their tar, produced late
oci           an image's documents, and the OCI layout
archive       one tar that every engine loads
documents     index, manifest and configuration, read back into records
inspection    an archive or a layout, read back and checked
comparison    what differs between two images
"""
