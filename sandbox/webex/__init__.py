"""A simulated Webex: an HTTP server that speaks the real API under /v1, quirks included.

``python -m sandbox.webex --port 8765`` serves ``http://127.0.0.1:8765/v1``; its ``--help`` names the tokens. The
week is Monday 2026-03-02 to Sunday 2026-03-08 (UTC), the clock stands at its start until ``POST /_sim/clock``
moves it, and only what has happened by then is to be seen. sandbox.simulation explains clock, ledger and control,
sandbox.faults the rules for failing answers, sandbox.webex.switches the quirks.

Reading order: script (the notation), content_* (the story), build and world (what there is), shapes (its JSON),
paging, service, routes_* (the endpoints), server.
"""
