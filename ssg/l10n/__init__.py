"""Languages as values: dates, plurals, quotes, sorting, slugs and interface strings, never from the process's locale.

language.py     a Language from its tag; language(tag)
punctuation.py  quotation marks, and the no-break spaces of French
collation.py    the order of titles
slugs.py        titles as parts of paths and anchors
timezones.py    time zones from the tzdata package
strings.py      a theme's interface strings, one file per language
"""
