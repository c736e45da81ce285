"""OutputTree: a folder of finished files, named by one digest.

tree.py        its files, sorted, and the digest
strays.py      what is no part of a site; keys.py: secrets, known by what a file holds
provenance.py  what it was made from
"""
