"""`ssg preview`: the site as a server would show it, made anew while it is written.

watching    what changes on the disk, by path, and nothing later than it is asked for
maker       what makes the site: the engine, or
generated   the command that site.toml names in its place
sealed      either one's site in an image, baked after each edit and run by whoever does that
upstream    what that answers, handed on
session     the one thread that owns the engine: edits, pages that somebody waits for, the rest when there is time
answers     which file answers a request, as the sealed nginx does
conditions  which part of a file, or that the reader has it already
bar         what the writer of a page should know of it
editor      which opens its source
headers     what an answer carries as the sealed nginx's does: the page's policy, for one
server      HTTP on loopback, with the events that tell an open page what changed (client.js)
"""
