"""site.toml, read into frozen records in which every value keeps its place.

settings.py          the records, with their defaults
sitefile.py          from the file to these, with all checks
toml.py              TOML with places; document.py: from tables with places to records
permalinks.py, serving.py, redirects.py, content_policy.py, ssh_options.py, quantities.py  what one value may be
taxonomies.py        what posts are grouped by; languages.py: which a site has
output_folder.py     where [build] output may lie
other_generators.py  whose site a folder is that has no site.toml
"""
