"""The Content-Security-Policy of a tree.

needs.py   what all documents of a tree load, and what is remembered of it
header.py  the policy of a whole tree, and what is wrong with it, by place
"""
