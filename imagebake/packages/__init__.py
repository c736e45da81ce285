"""Pinned packages: from a Debian mirror to the files of an image's lower layers.

Each module's name, and what it knows:

    mirror       where Debian mirrors are
    control      the format of Debian's control files, Release files, indexes and .sources
    version      the order of versions
    debian       Release files and their signatures
    index        what packages an archive has, and what they depend on
    fetch        bytes from a mirror, by sha256, through a cache
    archive      ar and tar, read strictly
    deb          a .deb's files
    elf          what a program or a library needs
    selection    which files an image needs of which packages
    lock         imagebake.lock: what was chosen, by digest
    resolve      makes a lock, and tells what it lags behind in
    contents     the layers that a lock names
    copyright    copyright files as SPDX expressions
    inventory    what packages say of themselves: dpkg's record of them
"""
