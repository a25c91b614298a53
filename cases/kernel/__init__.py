"""What every case needs, whatever its kind. Knows no case type, no agency by name, no page, no wire format."""
