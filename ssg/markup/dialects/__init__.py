"""How Markdown is read: our parsers in Python-Markdown's places, or Python-Markdown's own reading of pages written for
it.

conversion.py       what belongs to one conversion
commonmark.py       the parsers of blocks/ and inlines/ in their places
python_markdown.py  what we add to Python-Markdown's own stages; python_markdown_fences.py
footnotes.py, abbreviations.py
serialization.py    the tree as HTML in its parts: fewer walks than Python-Markdown's
"""
