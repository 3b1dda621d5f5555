"""What is found out about datasets in the background, once. See docs/datasets.md."""
