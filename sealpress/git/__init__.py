"""The blog's repository, through the system's git.

repository.py  what is tracked, at which commit, and since when
checkout.py    files of a commit, as they were committed
call.py        the only place that starts git
clock.py       as_of, the one clock: a commit's date
"""
