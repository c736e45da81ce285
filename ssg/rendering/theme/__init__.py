"""A theme: found, its options checked, its files listed; and Jinja2 for its templates.

theme.py      its folder, its theme.toml, its options, its strings
assets.py     its own files, under names that hold a digest of their content
templates.py  Jinja2, confined to the theme's files, and its errors as Problems
fixed.py      View, and what else stays as it is, whoever uses it
loader.py     where Jinja2 gets its templates from; blocks.py: blocks that nobody overrides
missing.py    what a template asks for and isn't there
contexts.py   what templates know while they are rendered, taken apart behind them
limits.py     so many steps and so much text for each file; filters.py and sizes.py: counted before they are made
stopwatch.py  how long each template takes
"""
