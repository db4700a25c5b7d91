"""What `chatledger demo` does: its plot, what it starts around the product, the mails that it shows."""
