"""Evidence: signed manifests over log ranges, chained, so that anybody can check an archive alone (docs/evidence.md).

What happens: `ranges` reads the log, `leaves` makes lines of it, `merkle` hashes them, `close` signs a `statement`; `chain`
reads back what stands in the archive, `verify` checks it, `prove` cuts out the proof of one mail.
"""
