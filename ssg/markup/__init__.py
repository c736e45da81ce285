"""Markdown to HTML: a body, converted by its text alone, with its links left open until the site is known.

    convert(text, options, language) → Converted ── resolve(html, urls) → HTML

converter.py     the one place where Python-Markdown is put together
converted.py     Converted, Link, Heading, Fault; resolve and contents
positions.py     the text, and what was found wrong in it
state.py         what belongs to one conversion
commonmark/      the parsers: blocks, then what stands in a line; every part knows its place
dialect.py       these in Python-Markdown's places; with footnotes.py and abbreviations.py
stock/           Python-Markdown's own reading, for pages that were written for it
fences.py        fenced code: what its first line says
serialization.py the tree as HTML in its parts: fewer walks than Python-Markdown's
tags.py          HTML as texts and tags by turns
body.py          from these to a Converted, by way of links.py, anchors.py and prose.py
typography.py    quotes, dashes, ellipses, French spaces
highlighting.py  Pygments: classes, never styles

What makes it fast and changes no byte:

acceleration.py  whether it is used: the switch, the versions that it was tested with
expressions.py   what a regular expression needs to match, from its parse tree
lexing.py        Pygments' rules, tried only where they can match
"""
