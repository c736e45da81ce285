"""Pages become files: HTML through the theme's templates, feeds, the sitemap, the theme's own files.

plan.py       render(): every Output of a site, the one entry
bodies.py     what rendering asks of the converter
theme.py      a theme: found, its options checked, its files listed
templates.py  Jinja2, and its errors as Problems
listings.py   lists: posts, tags, years; each with its place
reading_time.py  minutes; menus.py: their links checked
scene.py      what all pages share, and who is whose translation, neighbour and parent
views.py      what templates see: pages.py, lists.py, sites.py; functions.py: what they call
feeds.py, sitemap.py, assets.py, xml.py
"""

from ssg.rendering.plan import render

__all__ = ["render"]
