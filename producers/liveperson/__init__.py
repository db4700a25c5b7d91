"""LivePerson Messaging as a source: settings, the client, rows to events, and the collector that joins them."""
