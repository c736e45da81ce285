"""The output folder: the one place that writes.

stage.py      files appear whole, those that did not change are not touched, stale ones go
record.py     what builds wrote into which folder, so that they change and remove nothing else
scaffold.py   where a build works until all of it is there
"""
