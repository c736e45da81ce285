"""Side by side with other generators: one corpus, one machine, one batch, and ratios.

chance, prose, listings    an invented blog's text, the same bytes everywhere
corpus                     the posts, and each peer's site made of them (themes are in sites/)
peers                      the other generators, in a folder of their own
measure                    one run of one command: wall, CPU, memory
census                     what a build has made, so that nobody wins by leaving things out
scenarios                  cold, no change, an edited body, title and template
steps                      where sealpress's own time goes
compression                what encoders cost and save (run by itself)
report                     the part of RESULTS.md on builds
blog                       the blog built by sealpress, to be baked and served
baking                     the bake beside docker build and buildah
serving                    the sealed nginx beside a stock one and Caddy
sections                   RESULTS.md as a whole, and its parts on baking and serving
growth, floods             what twice the Markdown costs
lexers                     which of Pygments' lexers outgrow their code
specification, structure   CommonMark's own examples, counted
tricks, without            what each accelerator and cache of sealpress gains, and its lines
run                        the command line: `make bench`
"""
