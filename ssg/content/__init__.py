"""Files become pages: which files, their front matter, their language, their place in the site, and where links lead.

model.py         the site after reading: pages, terms, assets
sources.py       which files a build reads; absence.py: why one that is named is none of them
location.py      what a file's place says of it: language, kind, permalink
front_matter.py  the head of a page; formats/: YAML, JSON and dates with places, and without surprises
pages.py         heads become pages; taxonomies.py: their terms and posts; translations.py: who is whose
assets.py        files that go into the tree as they are; data.py: tables and lists for templates
links.py         links between pages: resolved, and checked
places.py        where something stands in a page's source
findings.py      what a build finds wrong: faults, and warnings
other_generators.py  what other generators call things
"""
