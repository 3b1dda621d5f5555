"""Rows as what is learned from: tokens, and why a row teaches nothing. Pure.

The trainer learns from these and the preflight counts them, so both tell a user the same. A tokenizer is
whatever can be called as those of transformers can, with `chat_template` and `special_tokens_map`.
"""
