"""What every OpenAI-shaped resource shares: the two mounts, pages with cursors."""
