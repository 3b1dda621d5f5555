"""Files of any size on their way to become datasets. See docs/datasets.md."""
