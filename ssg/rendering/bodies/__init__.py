"""Bodies as pages, lists and feeds show them: what the converter left open is closed with what the site knows.

closing.py   a page's whole body, and its summary
pictures.py  img tags
"""
