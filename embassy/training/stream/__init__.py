"""The events of a training job as they happen, over HTTP (server-sent events)."""
