"""Pinned packages: from a Debian mirror to the files of an image's lower layers.

mirror           where Debian mirrors are; .deb files from there, by sha256
control          the format of Debian's control files, Release files, indexes and .sources, and what may stand in them
version          the order of versions
signed_release   Release files and their signatures
index            what packages an archive has, and what they depend on
deb              a .deb: what it is packed in, and its files
elf              what a program or a library needs
selection        which files an image needs of which packages
lock             imagebake.lock: what was chosen, by digest
resolve          makes a lock, and tells what it lags behind in
contents         the layers that a lock names
copyright        copyright files as SPDX expressions
inventory        what packages say of themselves: dpkg's record of them
"""
