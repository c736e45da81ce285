"""Pinned packages: from a Debian mirror to the files of an image's lower layers.

mirror       where Debian mirrors are
debian       Release files and their signatures, package indexes, versions and dependencies
fetch        bytes from a mirror, by sha256, through a cache
archive      ar and tar, read strictly
deb          a .deb's files
elf          what a program or library needs
selection    which files an image needs of which packages
lock         imagebake.lock: what was chosen, by digest
resolve      makes a lock
contents     the layers that a lock names
"""
