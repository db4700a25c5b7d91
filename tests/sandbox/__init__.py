"""The simulated sources and servers, from outside."""
