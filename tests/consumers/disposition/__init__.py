"""Orders of disposition and legal holds."""
