"""Markdown to HTML: a body, converted by its text alone, with its slots left open until the site is known.

    convert(text, options, language) → Converted ── closed(html, give) → HTML

converter.py   the one place where Python-Markdown is put together
text/          what a conversion works on and what it gives: characters, places, blocks, Converted
blocks/        a text to blocks, line by line
inlines/       what stands in a line
code/          fenced code: what its first line says, and its highlighting
dialects/      these in Python-Markdown's places; or Python-Markdown's own reading; footnotes, abbreviations
html/          HTML as texts and tags by turns, and all that happens to it: links, anchors, typography, the summary
fast/          what makes Pygments' own loop faster and changes no byte
"""
