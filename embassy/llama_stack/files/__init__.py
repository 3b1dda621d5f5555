"""Files: uploaded once, then read by vector stores, fine-tuning jobs and batches. See docs/openai.md."""
