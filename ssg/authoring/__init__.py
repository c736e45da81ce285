"""What an author begins with: a new blog, a new page, and the list of those that there are."""
