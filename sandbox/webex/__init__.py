"""A simulated Webex: an HTTP server that speaks the real API under /v1, quirks included."""
