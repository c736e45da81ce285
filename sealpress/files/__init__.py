"""Files: written whole, read up to a limit, kept for the next run, and gone with this one.

files.py    whole or not at all; no link of a repository leads elsewhere
given.py    files that somebody else gives
scratch.py  folders for the time of a run
home.py     the home folder, and in it what runs leave for the next ones; signing.py: whose they are
"""
