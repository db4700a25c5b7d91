"""The connector log: what became of every item, run by run, rebuilt from the topics alone."""
