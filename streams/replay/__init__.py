"""Making mails again from the log, without Faust and without a consumer group: compare, re-import, rebuild, reroute.

    plan ─▶ (one process a core, whole partitions) log ─▶ fold ─▶ render ─▶ route ─▶ target ─▶ findings ─▶ report

The pure core is that of the live worker; what is its own are positions and closings, in a file for each partition.
"""
