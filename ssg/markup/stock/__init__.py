"""Python-Markdown's own reading, for pages that were written for it: `[markdown] dialect = "python-markdown"`."""
