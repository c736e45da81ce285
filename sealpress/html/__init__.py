"""What HTML and CSS load or run: attributes, URLs and their schemes (active_content.py), style sheets."""
