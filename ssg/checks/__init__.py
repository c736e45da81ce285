"""What is wrong with what was rendered, told where it is written.

addresses.py    addresses of the site itself: each must lead to a file of the tree
hypertext.py    what the tags of a page say to browsers: addresses, and the ids that links lead to
dead_ends.py    those that lead nowhere, as problems
whereabouts.py  where what stands in a page is written: site.toml, a body, a template, a style sheet
"""
