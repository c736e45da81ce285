"""What is kept between builds. Only this user's own is believed, and all of it can be deleted at any time.

store.py       results of dear work, by a digest of all that they depend on
last_build.py  what the last build into a folder read, asked and wrote
tracing.py     the questions that each output asked; answers.py: the answers that they got
codec.py       records as plain data and back, as their fields say, and the number of a format
table.py       plain data whose rows stay packed until somebody asks for them
stamps.py      what a file looks like from outside; software.py: sealpress itself as an input
settings.py    the keys of site.toml, each as a digest
"""
