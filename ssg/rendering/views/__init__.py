"""What templates see: small read-only objects. Every question that a template can ask of the site goes through them.

pages.py   a page with a body: PageView, SectionView; what it is grouped by: TaxonomyView, TermView
lists.py   a page without one: ListView, PaginationView, YearView, MonthView
sites.py   SiteView, MenuView; options.py: the theme's options; data.py: the data files
shared.py  LanguageView, VersionView, LinkView, and what pages and lists have in common
"""
