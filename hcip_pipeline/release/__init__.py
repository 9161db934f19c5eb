"""What leaves the pipeline: layouts as data, the manifest, reading, suppression, explanation, and the proof.

Belongs here: what a release's files contain, who may receive them, and checking them (``verification``).
Does not belong here: assembling a release (``publishing``); computing a figure; every number is in a mart.
"""
