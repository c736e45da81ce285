"""Side by side with other generators: one corpus, one machine, one batch, and ratios.

chance, prose, listings    an invented blog's text, the same bytes everywhere
corpus                     the posts, and each peer's site made of them (themes are in sites/)
peers                      the other generators, in a folder of their own
measure                    one run of one command: wall, CPU, memory
census                     what a build has made, so that nobody wins by leaving things out
scenarios                  cold, no change, an edited body, title and template
steps                      where sealpress's own time goes
report                     RESULTS.md
run                        the command line: `make bench`
"""
