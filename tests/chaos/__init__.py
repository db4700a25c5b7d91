"""The chaos run: everything is killed, stopped and cut off while chats go on, and afterwards nothing may be missing."""
