"""Markdown to HTML: a body, converted by its text alone, with its links left open until the site is known.

    convert(text, options, language) → Converted ── resolve(html, urls) → HTML

converter.py     the one place where Python-Markdown is put together
converted.py     Converted, Link, Heading, Fault; resolve and contents
positions.py     marks in the source, by which a link knows its line and column at the end
fences.py        fenced code: where it stands, what its first line says
dialect.py       our additions to Python-Markdown: task lists, footnotes' roles, references that lead nowhere
tags.py          HTML as texts and tags by turns
body.py          from Python-Markdown's HTML to a Converted, by way of links.py, anchors.py and prose.py
typography.py    quotes, dashes, ellipses, French spaces
highlighting.py  Pygments: classes, never styles

What makes it fast and changes no byte:

acceleration.py  whether it is used: the switch, the versions that it was tested with
expressions.py   what a regular expression needs to match, from its parse tree
patterns.py      Python-Markdown's patterns, tried only where they can match
serialization.py Python-Markdown's last steps: fewer walks, the tree as HTML
lexing.py        Pygments' rules, tried only where they can match
"""
