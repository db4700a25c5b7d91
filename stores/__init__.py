"""Where bytes rest: a folder and Azure Blob behind one small interface.

`interface` says what a store does, `factory.open_store` opens one from `settings`, `paths` says where
things lie in it.
"""
