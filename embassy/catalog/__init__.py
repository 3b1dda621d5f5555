"""The base models: what each one is, what may be set when it is trained, and where its weights lie."""
