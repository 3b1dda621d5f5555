"""Completions, chats and embeddings at OpenAI's addresses, and the chats that were stored.

The gateway answers them (`endpoints`); what differs from `/v1` is only how answers are written (`shapes`,
`relays`). Stored chats are rows, read and changed through Django (`api`).
"""
