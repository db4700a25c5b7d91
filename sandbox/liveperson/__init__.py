"""A simulated LivePerson: a week of a bank's chats behind the real API, quirks included."""
