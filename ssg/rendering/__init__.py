"""Pages become files: HTML through the theme's templates, feeds, the sitemap, the theme's own files.

plan.py       jobs(): every file that is rendered; Renderer: one of them, with what it asked
scene.py      what may be asked of the site: who is whose translation, neighbour and parent; facts.py: of one page
bodies.py     what rendering asks of the converter
theme.py      a theme: found, its options checked, its files listed; options are seen through views/options.py
templates.py  Jinja2, and its errors as Problems
listings.py   lists: posts, tags, years; each with its place
reading_time.py  minutes; menus.py: their links checked
views/        what templates see: pages.py, lists.py, sites.py; functions.py: what they call
feeds.py, sitemap.py, assets.py, xml.py
"""
