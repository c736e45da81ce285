"""What nginx is told: the configuration of a sealed site, a function of the settings and of the tree's names.

directives      nginx's grammar, as values
configuration   the files: nginx.conf, listen.conf, listen-ipv6.conf, mime.types
headers         what every answer carries
answers         which paths of a URL a tree answers
redirects       which paths have moved or are gone, checked against the tree
languages       404 pages by language; "/" by the reader's languages
log             the access log without whole addresses; readers behind a proxy
"""
