"""HTML in its parts, and what happens to it after Python-Markdown.

tags.py            texts and tags by turns
body.py            from these to a Converted
links.py           URLs taken out, with markers in their place
anchors.py         headings' ids and permalinks
prose.py           the text of a body; typography.py: quotes, dashes, ellipses, French spaces
foreign_syntax.py  what other systems would have made something of, and here is text
"""
