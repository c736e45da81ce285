"""What makes Pygments' own loop faster, and changes no byte.

switch.py       whether it is used: the switch, the versions that it was tested with; known without loading Pygments
expressions.py  what a regular expression needs to match, from its parse tree
lexing.py       Pygments' rules, tried only where they can match
"""
