"""What leaves the pipeline: layouts as data, the writer, the manifest, and the proof.

Belongs here: turning a finished build into immutable files and checking them.
Does not belong here: computing a figure; every number is in a mart.
"""
