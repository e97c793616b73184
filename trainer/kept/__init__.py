"""Parts of sources as they were read, kept so that a later run reads only what is new."""
