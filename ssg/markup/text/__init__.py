"""What a conversion works on, and what it gives.

characters.py  escapes, references, white space, labels, addresses
block.py       Block, Text, LinkTarget: all know their place in the source
positions.py   the text, and what was found wrong in it
converted.py   Converted, Link, Heading, Fault; resolve and contents
"""
