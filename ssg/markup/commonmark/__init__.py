"""CommonMark 0.31.2 with GFM's and Python-Markdown's additions, in Python-Markdown's places.

    text ── blocks.py, starts.py ──▶ Block ── tree.py ──▶ elements with Text ── inline.py ──▶ elements

line.py         a line while it is taken apart: columns, tabs
blocks.py       which open blocks go on in a line, and what becomes of its text
starts.py       what may begin a block; raw.py, tables.py, definitions.py have what is special to these
tree.py         in the place of md.parser
inline.py       one pass over a text; with emphasis.py, targets.py, images.py, autolinks.py
habits.py       what is read in another way than it may have been meant: warnings
patterns.py     inline patterns that extensions register
characters.py   escapes, references, white space, labels, addresses
block.py        Block, Text, Target: all know their place in the source
"""
