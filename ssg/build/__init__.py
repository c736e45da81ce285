"""One build, from its sources to its tree: read, arrange, check, compare, render, place; and what the next one should
know.

build.py       up to date? then the last build is told again; else the steps
inputs.py      what a build starts from; result.py: what it gives
engine.py      a build that stays in memory, turn by turn; overlay.py: its files over those of the output folder
prepare.py     what there is to make: read, arrange, check, compare
steps.py       the rest of a build into a folder: render, place, remember
read.py        which sources changed, and what they say now; convert.py: one page, read and converted
structure.py   pages, lists and assets, as they are arranged anew or as the last build left them
check.py       files that want one path, links that lead nowhere
survey.py      what files of the tree show to be wrong once they are made
stale.py       which files have to be made anew, and why
render.py      these are made, on all cores; reuse.py: or taken from the store
records.py     what is kept of sources and pages, each record made only when it is asked for
timing.py      where the time went
"""
