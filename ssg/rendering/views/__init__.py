"""What templates see: small read-only objects. Every question that a template can ask of the site goes through them.

pages.py   a page with a body: PageView, SectionView; what it is grouped by: TaxonomyView, TermView
lists.py   a page without one: ListView, YearView, MonthView; pagination.py: PaginationView
sites.py   SiteView, MenuView, OptionsView; data.py: the data files
shared.py  LanguageView, VersionView, LinkView, and what pages and lists have in common
"""
