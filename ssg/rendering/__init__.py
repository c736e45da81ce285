"""Pages become files: HTML through the theme's templates, feeds, the sitemap, the theme's own files.

plan.py           every file that is rendered; one of them, with what it asked
output_kind.py    what a kind of output says of its files; one of each in pages.py, assets.py, feeds.py, sitemap.py
bodies/           what the converter left open, closed: links, pictures
queries/          what may be asked of the site and of one page
views/            what templates see; functions.py: what they call
theme/            a theme: its options, its files, Jinja2 for its templates
xml.py; menus.py: their links checked
unsafe_values.py  what templates wrote, looked through for what no page may have
"""
