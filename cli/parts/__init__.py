"""What commands are made of: configuration, options that they share, what must be true before they start, child processes."""
