"""What may be asked of the site. Every question is recorded (ssg.cache.tracing).

site_queries.py  of the site as a whole: who is whose translation, neighbour and parent
page_queries.py  of one page, of the settings, of the theme
lists.py         lists: posts, terms, years; each with its place; pagination.py: on several pages
excerpts.py      what is asked of the converter: bodies, and what lists show of them; reading_time.py: minutes
"""
