"""Tests of the mailbox import, against real servers."""
