"""The Content-Security-Policy of a site, computed from what its pages really use.

origins.py   where a URL leads, as a policy names it
elements.py  which elements and attributes load something, and what directive they ask
source.py    a document's text as browsers see it, piece by piece
pages.py     what a page, an SVG or an XML document loads, and what runs in it
needs.py     what all documents of a tree load
header.py    the policy of a whole tree: what was found, what site.toml allows, and the text of the header
"""
