"""Many models on many devices: a row for each pair, whatever becomes of it.

    files, devices, options -> Batch -> tasks -> workers -> rows -> Store -> ranking, reports

A task is one model with the devices that are left to try; a worker is a process of its own,
started anew when it dies or is stopped. Rows are plain values (docs/fit-row.schema.json).
"""
