"""What was used, added up as somebody asks for it."""
