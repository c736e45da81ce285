"""Files become pages: which files, their front matter, their language, their place in the site."""
