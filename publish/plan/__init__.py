"""What a publish would change for readers, told before anything is changed."""
