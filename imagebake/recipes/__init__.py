"""What an image is made of.

recipe           a recipe is data; its layers, and the image that they make
site             the recipe of a site: nginx with its configuration, then the tree
edge             the recipe of the edge: Caddy, which stands before sites
python           what other recipes are put together from: Debian's Python, certificates, services, a locale, volumes
wheels           Python wheels as the files of a layer; wheelhouse: where they come from
package_layers   the locked packages as layers
site_layers      which layer each file of a site goes into
precompressed    compressed siblings beside their files
sbom             the bill of materials
statement        the release statement: what a release was made from, as the image says it
page_sources     the source of a page that can't be sealed, for the message
"""
