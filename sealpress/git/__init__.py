"""The blog's repository, through the system's git.

repository.py  what is tracked, at which commit, and since when; as_of, the one clock: a commit's date
checkout.py    files of a commit, as they were committed
call.py        the only place that starts git
"""
