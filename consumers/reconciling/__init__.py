"""Reconciliation: what a source shows of a day, compared as sets with the log, the mails, the copies and the store."""
