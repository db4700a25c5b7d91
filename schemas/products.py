"""What is fixed by the products that we replace: folder names that people have already searched and held for years."""

FOLDERS = {"liveperson": "LivePerson Conversational Cloud DataParser", "webex": "Webex Teams"}
"""Folder below the mailbox, by source: the names under which Microsoft's connectors import."""

MAIL_FORMAT = 1
"""Version of the mail format that new settings ask for; mails of older settings keep theirs."""
