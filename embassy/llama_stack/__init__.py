"""Llama Stack's and OpenAI's APIs on top of the platform's own services.

A folder for each resource; `openai/` has what all OpenAI-shaped ones share. Where two APIs know the same
resource there is one implementation, mounted twice, and each mount speaks its own dialect.
"""
