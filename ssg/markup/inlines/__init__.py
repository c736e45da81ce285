"""What stands in a line: one pass over a text (CommonMark 6 and its appendix).

parser.py      nodes, a stack of brackets; emphasis.py: which runs of signs belong together
autolinks.py   addresses that are links as they stand
image_text.py  what is said of images that don't show
patterns.py    inline patterns that extensions register
"""
