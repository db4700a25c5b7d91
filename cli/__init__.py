"""The `chatledger` command: the one room that knows all others. `ls cli` shows what can be run, a module for each command."""
