"""A text to blocks: CommonMark 0.31.2 with GFM's and Python-Markdown's additions.

    text ── parser.py, starts.py ──▶ Block ── tree.py ──▶ elements with Text ── inlines/parser.py ──▶ elements

line.py         a line while it is taken apart: columns, tabs
parser.py       which open blocks go on in a line, and what becomes of its text
starts.py       what may begin a block; raw_html.py, tables.py, definitions.py have what is special to these
targets.py      where links lead
tree.py         in the place of Python-Markdown's block parser
habits.py       what is read in another way than it may have been meant: warnings
"""
