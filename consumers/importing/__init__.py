"""Mailbox import: puts the copies that stand in the store into mailboxes, with a receipt for each."""
