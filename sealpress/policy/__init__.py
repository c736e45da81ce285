"""What a Content-Security-Policy allows, computed from what pages really use.

origins.py       where a URL leads, as a policy names it
elements.py      which elements and attributes load something, and what directive they ask
source.py        a document's text as browsers see it, piece by piece
pages.py         what a page, an SVG or an XML document loads, and what runs in it
source_lists.py  what documents need, as far as site.toml allows it, and the text of the header
refusals.py      what is not allowed, in words
"""
