"""ssg: renders a content folder into an output tree that is the same bytes everywhere."""
