"""Images in smaller sizes: what an image is, which variants it gives, under which names, and their bytes.

variants.py    names and sizes, worked out without a look at any pixel
raster.py      Pillow: what a file holds, and a variant's bytes; truncation.py: whether its end is there
svg.py         drawings
gallery.py     all of them, remembered by what they depend on
"""
