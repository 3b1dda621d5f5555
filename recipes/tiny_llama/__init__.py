"""Makes the base model `tiny-llama-instruct` from nothing: corpus, tokenizer, template, training, export."""
