"""What a build did, in words: for `ssg why`, `ssg build --profile`, and the notes behind a build.

why.py      what the last build knows of one file; text.py: as lines
wording.py  every question as a person says it
profile.py  where the time went
left_out.py what a build left out, and what takes it in
columns.py  text in two columns below a title
"""
