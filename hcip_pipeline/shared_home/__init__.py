"""A home that several machines share through object storage (``storage: s3://bucket/prefix`` in ``settings.yaml``).

``address`` opens the storage, ``commits`` is what is there, ``scope`` which files of a home belong to an acceptance,
``state`` what this home has of it, ``synchronizing`` the two directions. ``docs/scale_out.md`` gives the protocol.
"""
