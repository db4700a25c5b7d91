"""What is measured rather than tested: programs with targets of their own in the Makefile."""
