"""Bytes from outside, and what is kept.

http       the one HTTP client, of mirrors and registries
download   bytes from a mirror, checked by the sha256 that they must have
cache      the cache folder
"""
