"""The Content-Security-Policy of a site, computed from what its pages really use.

origins.py   where a URL leads, as a policy names it
pages.py     what a page, an SVG or an XML document loads, and what runs in it
header.py    the policy of a whole tree: what was found, what site.toml allows, and the text of the header
"""
